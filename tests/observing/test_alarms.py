"""Alarms and the dashboard use only metrics that exist; each important metric has an alarm."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import nexcorp.app  # noqa: F401
import workers.settings  # noqa: F401 - both bring metrics
from nexcorp.config import REPOSITORY

RULES = REPOSITORY / "deploy/prometheus/rules.yml"
DASHBOARD = REPOSITORY / "deploy/grafana/nexcorp.json"
NAME = re.compile(r"\bnexcorp_[a-z0-9_]+")
# A metric and the labels that select its series.
CHOSEN = re.compile(r"(nexcorp_[a-z0-9_]+)\{([^}]*)\}")
GROUPED = re.compile(r"by \(([a-z_, ]+)\) \(([^;]*)")
# `le` belongs to histograms; Prometheus adds `instance`.
ADDED = {"le", "instance"}


def read_rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def read_panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def list_expressions() -> list[str]:
    asked = [rule["expr"] for rule in read_rules()]
    return asked + [target["expr"] for panel in read_panels() for target in panel["targets"]]


def find_labels(name: str) -> set[str]:
    """Return the labels of a series' metric; fails if there is no metric of this name."""
    metric = REGISTRY._names_to_collectors.get(name)
    assert metric is not None, f"nothing measures {name}"
    kind = type(metric).__name__
    # A counter has only series that end in _total, a histogram only those with its own endings.
    endings = {"Counter": ("_total",), "Histogram": ("_bucket", "_count", "_sum"), "Gauge": ("",)}[kind]
    assert name.endswith(endings), f"{name} is a {kind}"
    return {*metric._labelnames, *ADDED}


def test_what_they_ask_for_is_measured() -> None:
    expressions = list_expressions()
    assert len(expressions) > 40
    for expression in expressions:
        names = NAME.findall(expression)
        assert names or "ALERTS" in expression, expression
        for name in names:
            find_labels(name)
        for name, chosen in CHOSEN.findall(expression):
            assert set(re.findall(r"(\w+)\s*[!=]~?", chosen)) <= find_labels(name), expression
        for labels, grouped in GROUPED.findall(expression):
            for name in NAME.findall(grouped):
                assert {label.strip() for label in labels.split(",")} <= find_labels(name), expression


def test_each_figure_worth_an_alarm_has_one() -> None:
    manual = (REPOSITORY / "docs/operations.md").read_text()
    table = manual.partition("Worth an alarm:")[2].partition("\n\n")[2].partition("\n\n")[0]
    wanted = re.findall(r"^\| `(nexcorp_[a-z0-9_]+)(\{[^`]*\})?` ", table, re.MULTILINE)
    assert len(wanted) > 10
    expressions = [rule["expr"] for rule in read_rules()]
    for name, chosen in wanted:
        chosen = chosen.replace("\\|", "|")
        assert any(name + chosen in expression for expression in expressions), name + chosen


def test_alarms_say_what_to_do_and_the_dashboard_shows_them_all() -> None:
    rules = read_rules()
    names = [rule["alert"] for rule in rules]
    assert len(set(names)) == len(names)
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical") and len(rule["annotations"]) == 2
    [shown] = [
        target["expr"] for panel in read_panels() for target in panel["targets"] if "ALERTS" in target["expr"]
    ]
    assert set(re.findall(r'alertname=~"([^"]+)"', shown)[0].split("|")) == set(names)


def test_the_dashboard_can_be_imported() -> None:
    board = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) and [one["name"] for one in board["templating"]["list"]] == [
        "datasource"
    ]
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        squares = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not squares & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= squares
    assert {panel["datasource"]["uid"] for panel in read_panels()} == {"${datasource}"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus")
def test_alarms_begin_and_end_when_they_should() -> None:
    case = Path(__file__).with_name("rules.test.yml")
    subprocess.run(["promtool", "test", "rules", str(case)], check=True, timeout=60)

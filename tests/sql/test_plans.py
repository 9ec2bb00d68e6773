"""Plans of the hot statements at a million posts: the right index, no scan and no sort of a table."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from nexcorp.config import Config
from nexcorp.db import Database, sql
from tests.conftest import choose_folder
from tests.sql.hot import (
    BIG,
    CURSOR,
    HOT,
    LISTS,
    QUEUED,
    SCANS,
    SORTS_A_PAGE,
    SORTS_ITS_OWN,
    SORTS_MATCHES,
    TRAIL,
    UNLIMITED,
    UNREAD,
)
from tests.sql.kept import open_company
from tests.sql.test_statements import UTILITIES

# Filling takes half a minute, and may have to wait for another run's.
pytestmark = [pytest.mark.timeout(600), pytest.mark.long(6)]

ONE = UUID("01900001-0000-7000-8000-000000000001")
NAMES = [
    name
    for feature in sql.features.values()
    if feature.name != "catalogue"
    for verb in feature.statements
    if (name := f"{feature.name}.{verb}") not in UTILITIES
]


@pytest.fixture(scope="module")
def big_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a read-only database with a million posts."""
    with open_company(lambda: choose_folder(tmp_path_factory)) as url:
        yield url


def literal(kind: Any) -> str:
    """Return any value of a type as SQL; a generic plan does not depend on it."""
    if kind.kind == "array":
        return f"'{{}}'::{kind.name.removeprefix('_').removesuffix('[]')}[]"
    values = {
        "uuid": f"'{ONE}'",
        "timestamptz": "now()",
        "bool": "true",
        "int2": "3",
        "int4": "21",
        "int8": "21",
        "jsonb": "'{}'",
        "float8": "21",
        "date": "'2026-11-01'",
        "time": "'08:00'",
    }
    return f"{values.get(kind.name, chr(39) + 'x' + chr(39))}::{kind.name}"


async def explain(url: str, names: Iterable[str] = NAMES, *prepare: str) -> dict[str, dict[str, Any]]:
    """Return the generic plans of statements by name; by default of all except those on catalogues alone."""
    database = Database(replace(Config(), database_url=url, database_pool=(1, 1), statement_cache=0))
    await database.open()
    plans = {}
    async with database.connection(wait=5) as conn:
        await conn.execute("SET plan_cache_mode = force_generic_plan")
        for command in prepare:
            await conn.execute(command)
        for name in names:
            text = statement(name).text
            kinds = (await conn.prepare(text)).get_parameters()
            listed = ", ".join(literal(kind) for kind in kinds)
            await conn.execute(f"PREPARE hot AS {text}")
            found = await conn.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE hot{f'({listed})' if kinds else ''}")
            await conn.execute("DEALLOCATE hot")
            plans[name] = json.loads(bytes(found) if not isinstance(found, str) else found)[0]["Plan"]
    await database.close()
    return plans


@pytest.fixture(scope="module")
def plans(big_database: str) -> dict[str, dict[str, Any]]:
    return asyncio.run(explain(big_database))


def statement(name: str) -> Any:
    """Return a statement by its full name."""
    feature, _, verb = name.partition(".")
    return sql.features[feature].statements[verb]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every node of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def test_no_statement_scans_a_table_unsaid(plans: dict[str, Any]) -> None:
    found: dict[str, set[str]] = {}
    for name, plan in plans.items():
        for node in nodes(plan):
            table = node.get("Relation Name", "")
            if node["Node Type"] == "Seq Scan" and (table in BIG or table.startswith("events_")):
                found.setdefault(name, set()).add(table)
    assert found.keys() == SCANS.keys(), found


def test_hot_statements_use_their_index(plans: dict[str, Any]) -> None:
    missing: dict[str, set[str]] = {}
    for name, expected in HOT.items():
        used = {node["Index Name"] for node in nodes(plans[name]) if "Index Name" in node}
        if not used or not expected <= used:
            missing[name] = used
    assert missing == {}


def test_every_index_is_read(plans: dict[str, Any], big_database: str) -> None:
    """Each index is in some plan, keeps rows unique, or finds the rows that refer to a deleted one."""
    used = {node.get("Index Name") for plan in plans.values() for node in nodes(plan)}
    with psycopg.connect(big_database) as conn:
        found = conn.execute(
            """
            SELECT c.relname, ARRAY(SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = c.oid)
            FROM pg_index AS i
            INNER JOIN pg_class AS c ON c.oid = i.indexrelid
            WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND NOT i.indisunique
                AND NOT EXISTS (
                    SELECT FROM pg_constraint AS f
                    WHERE f.contype = 'f' AND f.conrelid = i.indrelid AND f.conkey[1] = i.indkey[0]
                )
            """
        ).fetchall()
    assert {name for name, parts in found if used.isdisjoint({name, *parts})} == UNREAD.keys()


def test_lists_come_in_order_out_of_their_index(plans: dict[str, Any]) -> None:
    for name in LISTS:
        kinds = {node["Node Type"] for node in nodes(plans[name])}
        if name not in UNLIMITED | SORTS_A_PAGE | SORTS_MATCHES | SORTS_ITS_OWN:
            assert "Limit" in kinds, f"{name} has no limit"
            assert not kinds & {"Sort", "Incremental Sort", "Bitmap Heap Scan"}, f"{name} sorts: {kinds}"
            assert not kinds & {"Hash Join", "Merge Join"}, f"{name} joins all: {kinds}"


def test_a_cursor_bounds_the_index_and_filters_nothing(plans: dict[str, Any]) -> None:
    for name in LISTS:
        if CURSOR & set(statement(name).args) and name not in SORTS_ITS_OWN:
            bounds = [node["Index Cond"] for node in nodes(plans[name]) if "Index Cond" in node]
            assert any("<" in bound or ">" in bound for bound in bounds), f"{name}: {bounds}"


async def test_the_trail_is_read_by_index_in_every_month(plans: dict[str, Any]) -> None:
    for name, leading in TRAIL.items():
        scans = [node for node in nodes(plans[name]) if node.get("Relation Name", "").startswith("events_")]
        assert scans, name
        for node in scans:
            assert node["Node Type"] in ("Index Scan", "Index Only Scan"), f"{name}: {node['Node Type']}"
            bound = node["Index Cond"].replace("events_1.", "").replace("events.", "")
            # This node reads a row that is already found.
            if name == "audit.list_by_types" and "created_at = " in bound:
                continue
            assert leading in bound and "ROW(" in bound and "created_at >=" in bound, f"{name}: {bound}"


def test_a_span_of_time_touches_its_months_alone(big_database: str) -> None:
    """A generic plan leaves out other months as well, when the statement starts."""
    text = sql.features["audit"].statements["list_by_type"].text
    with psycopg.connect(big_database, autocommit=True, prepare_threshold=None) as conn:
        conn.execute("SET plan_cache_mode = force_generic_plan")
        conn.execute(f"PREPARE span AS {text}")
        [plan] = conn.execute(
            f"""EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE span(
                'post.created', date_trunc('month', now()) - interval '70 days',
                date_trunc('month', now()) - interval '65 days', '{ONE}', 21
            )"""
        ).fetchone()[0]
    touched = {
        node["Relation Name"] for node in nodes(plan["Plan"]) if "events" in node.get("Relation Name", "")
    }
    assert len(touched) <= 2, touched
    assert plan["Plan"]["Actual Rows"] == 21


async def test_what_is_queued_is_found_by_key_by_plans_from_when_there_was_nothing(database_url: str) -> None:
    """A worker keeps its plans until PostgreSQL has new statistics of the tables."""
    tables = (
        *("notification_groups", "notification_counters", "deliveries", "delivery_attempts"),
        *("webhooks", "webhook_deliveries"),
    )
    plans = await explain(
        database_url, QUEUED, f"VACUUM (ANALYZE) {', '.join(tables)}", "SET enable_seqscan = off"
    )
    for name, plan in plans.items():
        for node in nodes(plan):
            if node.get("Relation Name") in tables and "Scan" in node["Node Type"]:
                bound = node.get("Index Cond", "")
                assert re.search(r"\b(receiver_|notification_|user_|webhook_)?id = |due_at <= ", bound), (
                    f"{name}: {node}"
                )
                # The id is the last column of this index; alone it would read all of the index.
                if node["Index Name"] == "webhook_deliveries_due_idx":
                    assert "webhook_id = " in bound, f"{name}: {node}"

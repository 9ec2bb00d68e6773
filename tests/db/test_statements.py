"""The loader of sql/: which files it refuses, and how it calls a statement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexcorp.db import sql
from nexcorp.db.statements import load, parse_file


class Recorder:
    """A stand-in for a connection: each method returns its own name and arguments."""

    def __getattr__(self, method: str) -> Any:
        return lambda *args: (method, *args)


def parse(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "things.sql"
    path.write_text(text)
    return parse_file(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-- name: get_it() :some\nSELECT 1", "get_it has the unknown kind :some"),
        ("-- name: get_it(a) :one\nSELECT 1", r"get_it takes 1 arguments but uses \[\]"),
        ("-- name: get_it() :one\nSELECT $1", r"get_it takes 0 arguments but uses \[1\]"),
        ("-- name: get_it(a, b) :one\nSELECT $1, $3", r"get_it takes 2 arguments but uses \[1, 3\]"),
        ("-- name: get_it() :one\nSELECT 1\n-- name: get_it() :one\nSELECT 2", "get_it stands twice"),
        ("-- name: get_it :one\nSELECT 1", "cannot read '-- name: get_it :one'"),
        ("-- name: get_it()\nSELECT 1", r"cannot read '-- name: get_it\(\)'"),
        ("-- name: GetIt() :one\nSELECT 1", "cannot read"),
    ],
)
def test_a_wrong_statement_is_refused_with_its_file(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"things.sql: .*{reason}"):
        parse(tmp_path, text)


def test_the_text_goes_as_it_stands_behind_its_name(tmp_path: Path) -> None:
    feature = parse(
        tmp_path,
        "-- What this file is.\n-- name: get_it(it_id, most) :many\n-- Why.\nSELECT $1,\n  $2 -- odd;\n",
    )
    statement = feature.statements["get_it"]
    assert statement.text == "/* things.get_it */\n-- Why.\nSELECT $1,\n  $2 -- odd"
    assert (statement.args, statement.kind) == (("it_id", "most"), "many")
    assert repr(statement) == "<statement get_it(it_id, most) :many>"


def test_each_kind_calls_its_method_in_the_order_of_the_arguments(tmp_path: Path) -> None:
    for kind, method in (("one", "fetchrow"), ("many", "fetch"), ("value", "fetchval"), ("exec", "execute")):
        feature = parse(tmp_path, f"-- name: do_it(a, b) :{kind}\nSELECT $1, $2")
        expected: Any = (method, "/* things.do_it */\nSELECT $1, $2", 1, 2)
        assert feature.do_it(Recorder(), b=2, a=1) == expected


def test_a_call_with_other_arguments_is_a_type_error(tmp_path: Path) -> None:
    feature = parse(tmp_path, "-- name: do_it(a, b) :exec\nSELECT $1, $2")
    for values, reason in (({"a": 1}, "wants 'b'"), ({"a": 1, "b": 2, "c": 3}, r"does not take \['c'\]")):
        with pytest.raises(TypeError, match=rf"do_it\(\) {reason}"):
            feature.do_it(Recorder(), **values)
    with pytest.raises(TypeError):
        feature.do_it(Recorder(), 1, 2)


def test_every_file_is_a_feature(tmp_path: Path) -> None:
    for name in ("apples", "pears"):
        (tmp_path / f"{name}.sql").write_text("-- name: get_one() :value\nSELECT 1")
    loaded = load(tmp_path)
    assert [statement.text.split()[1] for statement in loaded] == ["apples.get_one", "pears.get_one"]
    assert len({statement.text for statement in sql}) == len(list(sql))

"""House rules that can be checked on the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from nexcorp.config import REPOSITORY
from nexcorp.db import sql

EXECUTES = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "prepare", "cursor", "copy_from_query"}
# The migration runner has a few static texts of its own, as yoyo's tables are not the service's. A backup may
# be of any release, and a restore begins without tables.
OWN_SQL = {
    "nexcorp/backups/making.py",
    "nexcorp/backups/restoring.py",
    "nexcorp/db/locks.py",
    "nexcorp/db/migrations.py",
    "nexcorp/db/schema_files.py",
    "nexcorp/doctor.py",
    "nexcorp/embedded/postgres.py",
}
FILES = sorted(path for folder in ("nexcorp", "workers") for path in (REPOSITORY / folder).rglob("*.py"))
LONGEST_FILE = 400


def parsed() -> Iterator[tuple[str, ast.Module]]:
    for path in FILES:
        yield str(path.relative_to(REPOSITORY)), ast.parse(path.read_text())


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def is_formatted(node: ast.expr) -> bool:
    """Whether an expression puts a text together: an f-string, +, %, .format(), .join(), .replace()."""
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        return True
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("format", "join", "replace")
    )


@pytest.mark.parametrize(
    ("code", "formatted"),
    [
        ('f"SELECT {x}"', True),
        ('"SELECT " + x', True),
        ('"SELECT %s" % x', True),
        ('"SELECT {}".format(x)', True),
        ('" ".join(x)', True),
        ('"SELECT 1"', False),
        ("text", False),
    ],
)
def test_the_rule_sees_formatted_sql(code: str, formatted: bool) -> None:
    assert is_formatted(ast.parse(code, mode="eval").body) == formatted


def test_no_sql_is_formatted() -> None:
    found = [
        f"{name}:{call.lineno}"
        for name, tree in parsed()
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr in EXECUTES
        if call.args and is_formatted(call.args[0])
    ]
    assert found == []


def test_sql_lives_in_sql() -> None:
    found = [
        f"{name}:{call.lineno}"
        for name, tree in parsed()
        if name not in OWN_SQL
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr in EXECUTES
        if call.args and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert found == []


def test_only_config_reads_the_environment() -> None:
    found = []
    for name, tree in parsed():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv"):
                found.append(name)
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                found += [name for alias in node.names if alias.name in ("environ", "getenv")]
    assert set(found) == {"nexcorp/config.py"}


def test_errors_are_made_where_they_are_raised() -> None:
    """An error created once and raised often keeps every traceback, and with it every request, for ever."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in parsed()
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call)
        if isinstance(node.value.func, ast.Name) and node.value.func.id in find_errors()
    ]
    assert found == []


@cache
def find_errors() -> set[str]:
    """Return the names of all subclasses of AppError."""
    parents = {
        node.name: {
            base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases
        }
        for _, tree in parsed()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    found = {"AppError"}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    assert len(found) > 80
    return found


def test_every_statement_is_used() -> None:
    """Uses are `sql.posts.get_post`, or `statements.list_first` with `statements = sql.notifications`."""
    used = {node.attr for _, tree in parsed() for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    # Reserved for connections that outlive their access token.
    assert {statement.name for statement in sql} - used <= {"get_session_principal"}


def test_no_file_is_too_long() -> None:
    long = {str(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}

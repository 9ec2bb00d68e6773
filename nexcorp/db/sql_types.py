"""Writes catalog.pyi for the statements of sql/: PostgreSQL itself says what each takes and returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexcorp.db.statements import Sql, Statement

STUB = Path(__file__).with_name("catalog.pyi")

# What asyncpg makes of PostgreSQL's types. Any value may be NULL as far as PostgreSQL tells.
PYTHON = {
    "bool": "bool",
    "bytea": "bytes",
    "citext": "str",
    "float8": "float",
    "int2": "int",
    "int4": "int",
    "int8": "int",
    "json": "Any",
    "jsonb": "Any",
    "numeric": "Decimal",
    "text": "str",
    "timestamptz": "datetime",
    "uuid": "UUID",
}

HEAD = '''"""Types of the statements in sql/. Written by `make sql-types`; a test compares it with sql/."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
'''


def python_type(kind: Any) -> str:
    """The Python type of one PostgreSQL type."""
    if kind.kind == "array":
        return f"Sequence[{PYTHON.get(kind.name.removesuffix('[]').removeprefix('_'), 'Any')} | None]"
    return PYTHON.get(kind.name, "Any")


# What awaiting a call gives. Rows have no types of their own, and a value may be NULL or not.
RETURNED = {"exec": "str", "many": "list[Any]", "one": "Any", "value": "Any"}


def optional(name: str) -> str:
    """A type that may be None; Any includes that."""
    return name if name == "Any" else f"{name} | None"


async def describe_statement(conn: Any, statement: Statement) -> str:
    """One method of a feature's class."""
    prepared = await conn.prepare(statement.text)
    kinds = prepared.get_parameters()
    arguments = [
        f"{name}: {optional(python_type(kind))}" for name, kind in zip(statement.args, kinds, strict=True)
    ]
    listed = "".join(f", {argument}" for argument in ["*", *arguments]) if arguments else ""
    return f"    def {statement.name}(self, conn: Any{listed}) -> Awaitable[{RETURNED[statement.kind]}]: ..."


async def describe(conn: Any, sql: Sql) -> str:
    """The text of the stub."""
    blocks = [HEAD]
    for name, feature in sql.features.items():
        methods = [await describe_statement(conn, statement) for statement in feature.statements.values()]
        blocks.append("\n".join([f"class {name.capitalize()}:", *methods, ""]))
    attributes = [f"    {name}: {name.capitalize()}" for name in sql.features]
    blocks.append("\n".join(["class Catalog:", *attributes, "", "sql: Catalog", ""]))
    return "\n".join(blocks)

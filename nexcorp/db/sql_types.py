"""Write catalog.pyi for the statements of sql/, with the types that PostgreSQL reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexcorp.db.statements import Sql, Statement

STUB = Path(__file__).with_name("catalog.pyi")

# PostgreSQL's types: the Python type of an argument, and the alias below for a value of a row.
PYTHON = {
    "bool": ("bool", "Bool"),
    "bytea": ("bytes", "Bytes"),
    "citext": ("str", "Text"),
    "float8": ("float", "Float"),
    "int2": ("int", "Int"),
    "int4": ("int", "Int"),
    "int8": ("int", "Int"),
    "text": ("str", "Text"),
    "timestamptz": ("datetime", "Time"),
    "uuid": ("UUID", "Id"),
}

HEAD = '''"""Types of the statements in sql/. Written by `make sql-types`; a test compares it with sql/.

A row is an asyncpg.Record when the program runs. For mypy it is a TypedDict, so that a misspelt column is an
error: read columns by `row["name"]`, and use none of the methods that a dictionary has and a Record has not.
PostgreSQL does not tell which columns may be NULL. So a value is "an int or Any": mypy knows what an int can
do, and allows a comparison with None without asking for one everywhere. The row of a `:one` may be None.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from nexcorp.db.pool import Connection

Bool = bool | Any
Bytes = bytes | Any
Float = float | Any
Id = UUID | Any
Int = int | Any
Text = str | Any
Time = datetime | Any
'''


def find_names(kind: Any) -> tuple[str, str]:
    """Return both names of a PostgreSQL type, for an array those of its elements."""
    return PYTHON.get(kind.name.removesuffix("[]").removeprefix("_"), ("Any", "Any"))


def argument_type(kind: Any) -> str:
    """Return the annotation of a parameter of a PostgreSQL type."""
    if kind.kind == "array":
        return f"Sequence[{find_names(kind)[0]} | None] | None"
    name, _ = find_names(kind)
    return name if name == "Any" else f"{name} | None"


def value_type(kind: Any) -> str:
    """Return the annotation of a column of a PostgreSQL type."""
    if kind.kind == "array":
        return f"list[{find_names(kind)[1]}]"
    return find_names(kind)[1]


def name_class(*parts: str) -> str:
    """Return the name of a class: `posts` and `get_post` make PostsGetPost."""
    return "".join(word.capitalize() for part in parts for word in part.split("_"))


def describe_row(columns: list[Any]) -> str:
    """Return the columns of a row as the fields of a TypedDict."""
    listed = ", ".join(f'"{column.name}": {value_type(column.type)}' for column in columns)
    return "{" + listed + "}"


async def describe_feature(conn: Any, name: str, statements: dict[str, Statement]) -> str:
    """Return the class of one file of sql/, after the types of its rows; equal rows share the first name."""
    rows: dict[str, str] = {}
    methods = []
    for statement in statements.values():
        prepared = await conn.prepare(statement.text)
        columns = list(prepared.get_attributes())
        if statement.kind in ("one", "many"):
            row = rows.setdefault(describe_row(columns), name_class(name, statement.name))
            one = row if statement.always else f"{row} | None"
            returned = f"list[{row}]" if statement.kind == "many" else one
        else:
            returned = "str" if statement.kind == "exec" else value_type(columns[0].type)
        arguments = [
            f"{argument}: {argument_type(kind)}"
            for argument, kind in zip(statement.args, prepared.get_parameters(), strict=True)
        ]
        listed = "".join(f", {argument}" for argument in ["*", *arguments]) if arguments else ""
        methods.append(
            f"    def {statement.name}(self, conn: Connection{listed}) -> Awaitable[{returned}]: ..."
        )
    types = [f'{row} = TypedDict("{row}", {fields})' for fields, row in rows.items()]
    return "\n".join([*types, *([""] if types else []), f"class {name_class(name)}:", *methods, ""])


async def describe(conn: Any, sql: Sql) -> str:
    """Return the text of the stub."""
    blocks = [HEAD]
    for name, feature in sql.features.items():
        blocks.append(await describe_feature(conn, name, feature.statements))
    attributes = [f"    {name}: {name_class(name)}" for name in sql.features]
    blocks.append("\n".join(["class Catalog:", *attributes, "", "sql: Catalog", ""]))
    return "\n".join(blocks)

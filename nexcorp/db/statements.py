"""Load sql/*.sql and offer every statement as `sql.<file>.<statement>(conn, name=value)`.

A statement is a comment line `-- name: verb_noun(arg, arg) :kind` followed by its text; `$1` is the
first argument. The text goes to PostgreSQL as it stands in the file, behind a comment with its name,
so that a DBA finds it by that name in pg_stat_activity and pg_stat_statements.

| kind     | the call returns                          |
| -------- | ----------------------------------------- |
| `:one`   | the first row, or None                    |
| `:one!`  | the first row; LookupError without one    |
| `:many`  | a list of rows                            |
| `:value` | the first column of the first row, or None|
| `:exec`  | PostgreSQL's command tag, "UPDATE 1"      |
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from nexcorp.config import REPOSITORY

HEADER = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\((?P<args>[a-z0-9_, ]*)\) :(?P<kind>\w+!?)$")
METHODS = {"one": "fetchrow", "many": "fetch", "value": "fetchval", "exec": "execute"}


class Statement:
    """A named statement; calling it runs it on the given connection."""

    __slots__ = ("always", "args", "call", "kind", "name", "text")

    def __init__(self, name: str, args: tuple[str, ...], kind: str, text: str) -> None:
        self.name, self.args, self.kind, self.text = name, args, kind.removesuffix("!"), text
        self.always = kind == "one!"
        self.call = self._make_call()

    def _make_call(self) -> Callable[..., Awaitable[Any]]:
        method, text, args, name = METHODS[self.kind], self.text, self.args, self.name

        def call(conn: Any, **values: Any) -> Awaitable[Any]:
            try:
                ordered = [values[arg] for arg in args]
            except KeyError as missing:
                raise TypeError(f"{name}() wants {missing}") from None
            if len(values) != len(args):
                raise TypeError(f"{name}() does not take {sorted(values.keys() - set(args))}")
            result: Awaitable[Any] = getattr(conn, method)(text, *ordered)
            return result

        async def call_for_row(conn: Any, **values: Any) -> Any:
            row = await call(conn, **values)
            if row is None:
                raise LookupError(f"{name}() gave no row")
            return row

        return call_for_row if self.always else call

    def __call__(self, conn: Any, **values: Any) -> Awaitable[Any]:
        return self.call(conn, **values)

    def __repr__(self) -> str:
        return f"<statement {self.name}({', '.join(self.args)}) :{self.kind}>"


class Feature:
    """The statements of one file, as attributes."""

    def __init__(self, name: str, statements: dict[str, Statement]) -> None:
        self.name, self.statements = name, statements
        # The bare call saves a frame on every query; `statements` keeps the objects for inspection.
        self.__dict__.update({key: statement.call for key, statement in statements.items()})


class Sql:
    """The statements of all files, as attributes: `sql.posts.get_post(...)`."""

    def __init__(self, features: dict[str, Feature]) -> None:
        self.features = features
        self.__dict__.update(features)

    def __iter__(self) -> Iterator[Statement]:
        for feature in self.features.values():
            yield from feature.statements.values()


def parse_file(path: Path) -> Feature:
    """Read one file of statements; raises ValueError naming the file and the statement that is wrong."""
    statements: dict[str, Statement] = {}
    header: re.Match[str] | None = None
    lines: list[str] = []

    def finish() -> None:
        if header is None:
            return
        name, kind = header["name"], header["kind"]
        args = tuple(arg.strip() for arg in header["args"].split(",") if arg.strip())
        body = "\n".join(lines).strip().rstrip(";")
        used = {int(number) for number in re.findall(r"\$(\d+)", body)}
        if kind not in (*METHODS, "one!"):
            raise ValueError(f"{path.name}: {name} has the unknown kind :{kind}")
        if used != set(range(1, len(args) + 1)):
            raise ValueError(f"{path.name}: {name} takes {len(args)} arguments but uses {sorted(used)}")
        if name in statements:
            raise ValueError(f"{path.name}: {name} stands twice")
        statements[name] = Statement(name, args, kind, f"/* {path.stem}.{name} */\n{body}")

    for line in path.read_text().splitlines():
        if line.startswith("-- name:"):
            finish()
            header, lines = HEADER.match(line), []
            if header is None:
                raise ValueError(f"{path.name}: cannot read {line!r}")
        elif header is not None:
            lines.append(line)
    finish()
    return Feature(path.stem, statements)


def load(folder: Path = REPOSITORY / "sql") -> Sql:
    """Read every file of statements in `folder`."""
    return Sql({path.stem: parse_file(path) for path in sorted(folder.glob("*.sql"))})

"""Views, functions and triggers: sql/schema/*.sql, applied after the migrations when their text changes.

A file may be applied any number of times. Before a migration is rolled back, everything that the files define
is dropped, and replaced by the definitions of the migrations up to there: a rollback script finds the objects
that its migration made.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from nexcorp.config import REPOSITORY
from nexcorp.db.locks import keep_trying
from nexcorp.errors import AppError

SCHEMA = REPOSITORY / "sql" / "schema"

# Comments, strings and bodies of functions, in which a semicolon ends no statement.
TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|(?P<end>;)", re.DOTALL)
LEADING_COMMENTS = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/)*", re.DOTALL)
DEFINITION = re.compile(
    r"(?P<verb>CREATE(?: OR REPLACE)?|DROP|COMMENT ON) (?P<kind>FUNCTION|VIEW|TRIGGER) "
    r"(?:IF EXISTS )?(?P<name>\w+)"
)
TABLE = re.compile(r"\sON (\w+)")
CREATE = re.compile(r"\ACREATE(?: OR REPLACE)?")

LIST_CURRENT = "SELECT name, sha256, applied_at FROM applied_schema WHERE is_current"
SUPERSEDE = "UPDATE applied_schema SET is_current = false WHERE is_current AND name = %s"
RECORD_FILE = """
INSERT INTO applied_schema (name, sha256) VALUES (%s, %s)
ON CONFLICT ON CONSTRAINT applied_schema_pkey DO UPDATE SET is_current = true, applied_at = now()
"""
END_GONE = "UPDATE applied_schema SET is_current = false WHERE is_current AND name <> ALL(%s)"
# Releases before 0026 look here: an empty table keeps their nodes ready until they are replaced.
CLEAR_OLD = """
DO $$
BEGIN
    IF to_regclass('schema_files') IS NOT NULL THEN
        DELETE FROM schema_files;
    END IF;
END
$$
"""
LIST_FUNCTIONS = """
SELECT p.oid::regprocedure::text
FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace AND p.proname = ANY(%s) AND p.prokind = 'f'
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
LIST_TRIGGERS = """
SELECT format('%%I ON %%I', t.tgname, r.relname)
FROM pg_trigger AS t
INNER JOIN pg_class AS r ON r.oid = t.tgrelid
WHERE r.relnamespace = 'public'::regnamespace
    AND (t.tgname, r.relname) IN (SELECT * FROM unnest(%s::name[], %s::name[]))
"""


class SchemaError(AppError):
    """A file of sql/schema cannot be applied; the message says which and why."""

    code = "schema_failed"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """One file: its name, when it was applied (None: never), and whether it has changed since."""

    name: str
    applied_at: datetime | None
    changed: bool


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """A function, view or trigger; `table` only for triggers."""

    kind: str
    name: str
    table: str = ""


def list_digests(folder: Path = SCHEMA) -> dict[str, str]:
    """Return every file's name and the SHA-256 of its text, in the order in which they are applied."""
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.sql"))}


def split_statements(text: str) -> Iterator[str]:
    """Yield the statements of a file, each without the comments before it."""
    start = 0
    for token in TOKEN.finditer(text):
        if token["end"]:
            yield LEADING_COMMENTS.sub("", text[start : token.end()])
            start = token.end()


def read_definitions(texts: Iterable[str]) -> tuple[dict[Thing, str], list[str]]:
    """Return the definitions that remain after applying these texts in turn.

    They are the last definition of each function, view and trigger that was not dropped again, written as
    CREATE OR REPLACE, and the comments on them.
    """
    found: dict[Thing, str] = {}
    comments: dict[Thing, str] = {}
    for text in texts:
        for statement in split_statements(text):
            match = DEFINITION.match(statement)
            if match is None:
                continue
            table = TABLE.search(statement, match.end()) if match["kind"] == "TRIGGER" else None
            thing = Thing(match["kind"], match["name"], table[1] if table else "")
            if match["verb"] == "COMMENT ON":
                comments[thing] = statement
                continue
            # A new definition moves to the end, behind the objects that it may need by now.
            found.pop(thing, None)
            if match["verb"] != "DROP":
                found[thing] = CREATE.sub("CREATE OR REPLACE", statement)
    order = ("FUNCTION", "VIEW", "TRIGGER")
    ordered = dict(sorted(found.items(), key=lambda item: order.index(item[0].kind)))
    return ordered, [text for thing, text in comments.items() if thing in found]


def read_states(conn: psycopg.Connection, folder: Path = SCHEMA) -> list[SchemaState]:
    """Return every file and whether its current text is applied."""
    rows = conn.execute(LIST_CURRENT).fetchall()
    applied = {name: (digest, moment) for name, digest, moment in rows}
    return [
        SchemaState(name, applied[name][1], applied[name][0] != digest)
        if name in applied
        else SchemaState(name, None, changed=False)
        for name, digest in list_digests(folder).items()
    ]


def forget(conn: psycopg.Connection) -> None:
    """Have apply_files() apply every file again."""
    conn.execute("UPDATE applied_schema SET is_current = false WHERE is_current")


def apply_files(conn: psycopg.Connection, folder: Path = SCHEMA) -> list[str]:
    """Apply every file that is new or changed, all in one transaction; return their names.

    Raises SchemaError, and LocksHeld if other transactions keep their locks.
    """
    return keep_trying(conn, lambda: apply_changed(conn, folder))


def apply_changed(conn: psycopg.Connection, folder: Path) -> list[str]:
    """Make one attempt of apply_files()."""
    digests = list_digests(folder)
    changed = [state.name for state in read_states(conn, folder) if state.changed or state.applied_at is None]
    for name in changed:
        try:
            conn.execute((folder / f"{name}.sql").read_bytes())
        except psycopg.errors.LockNotAvailable:
            raise
        except psycopg.Error as error:
            raise SchemaError(message=f"sql/schema/{name}.sql: {error}") from error
        conn.execute(SUPERSEDE, (name,))
        conn.execute(RECORD_FILE, (name, digests[name]))
    conn.execute(END_GONE, (list(digests),))
    return changed


def take_away(conn: psycopg.Connection, folder: Path = SCHEMA) -> None:
    """Drop the objects that the files define. Functions that tables need (a default, an index) stay."""
    things, _ = read_definitions(path.read_text() for path in sorted(folder.glob("*.sql")))

    def take() -> None:
        conn.execute("DELETE FROM applied_schema")
        conn.execute(CLEAR_OLD)
        drop_views(conn, things)
        triggers = [thing for thing in things if thing.kind == "TRIGGER"]
        values = [thing.name for thing in triggers], [thing.table for thing in triggers]
        for (name,) in conn.execute(LIST_TRIGGERS, values).fetchall():
            drop(conn, "TRIGGER", name)
        functions = [thing.name for thing in things if thing.kind == "FUNCTION"]
        for (name,) in conn.execute(LIST_FUNCTIONS, (functions,)).fetchall():
            with contextlib.suppress(psycopg.errors.DependentObjectsStillExist), conn.transaction():
                drop(conn, "FUNCTION", name)

    keep_trying(conn, take)


def drop_views(conn: psycopg.Connection, things: Iterable[Thing]) -> None:
    """Drop the views among `things`; a view before those that it uses."""
    for thing in reversed([thing for thing in things if thing.kind == "VIEW"]):
        drop(conn, "VIEW IF EXISTS", thing.name)


def drop(conn: psycopg.Connection, kind: str, name: str) -> None:
    """Drop one object; its name comes from our own files, or quoted from the catalogue."""
    statement = f"DROP {kind} {name}"
    conn.execute(statement.encode())


def put_back(conn: psycopg.Connection, migrations: Iterable[Path]) -> None:
    """Restore functions, views and triggers as these migrations, which must all be applied, left them."""
    things, comments = read_definitions(path.read_text() for path in migrations)

    def put() -> None:
        # Functions may refer to each other in any order.
        conn.execute("SET LOCAL check_function_bodies = off")
        drop_views(conn, things)
        for statement in (*things.values(), *comments):
            conn.execute(statement.encode())

    keep_trying(conn, put)

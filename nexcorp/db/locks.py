"""Changes of the schema beside a running service: locks that keep nobody waiting, indexes without any."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import psycopg

from nexcorp.errors import AppError

# What waits for a lock keeps back everybody who comes behind it: so long at most, then they get their turn.
LOCK_TIMEOUT = "500ms"
PAUSE_SECONDS = 1.0
TRIES = 60
# Transactions that are named where a lock was not to be had: those older than this.
LONG_SECONDS = 5

Result = TypeVar("Result")

ON_INDEX = re.compile(
    r"\A(?P<verb>CREATE|DROP)(?: UNIQUE)? INDEX CONCURRENTLY (?:IF (?:NOT )?EXISTS )?(?P<name>\w+)"
    r"(?: ON (?P<table>\w+))?",
    re.IGNORECASE,
)
COLUMN = re.compile(r"\w+")
ON_SCHEMA = re.compile(r"\A(?:CREATE|ALTER|DROP|LOCK) ", re.IGNORECASE)

LIST_LONG = """
SELECT
    format(
        '%%s %%s since %%s', pid, coalesce(nullif(application_name, ''), usename),
        to_char(xact_start, 'HH24:MI:SS')
    )
FROM pg_stat_activity
WHERE datname = current_database()
    AND pid <> pg_backend_pid()
    AND xact_start < now() - make_interval(secs => %s)
ORDER BY xact_start
LIMIT 3
"""
# Partitions of a table that have no part of its index yet.
LIST_LACKING = """
SELECT p.relname::text
FROM pg_inherits AS i
INNER JOIN pg_class AS p ON p.oid = i.inhrelid
WHERE i.inhparent = to_regclass(%s)
    AND NOT EXISTS (
        SELECT
        FROM pg_index AS x
        INNER JOIN pg_inherits AS of ON of.inhrelid = x.indexrelid
        WHERE x.indrelid = p.oid AND of.inhparent = to_regclass(%s)
    )
ORDER BY 1
"""
LIST_INVALID = """
SELECT i.indexrelid::regclass::text
FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace
"""


class LocksHeld(AppError):
    """A lock is not to be had however often it is tried; the message names what may hold it."""

    code = "locks_held"


def keep_trying(conn: psycopg.Connection, change: Callable[[], Result]) -> Result:
    """Make a change of the schema in a transaction that gives up a lock after LOCK_TIMEOUT, TRIES times.

    Returns what `change` returns; raises LocksHeld.
    """

    def attempt() -> Result:
        with conn.transaction():
            conn.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
            return change()

    return retry(conn, attempt)


def retry(conn: psycopg.Connection, attempt: Callable[[], Result]) -> Result:
    """Again after a pause whenever a lock was not to be had; raises LocksHeld."""
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except psycopg.errors.LockNotAvailable:
            time.sleep(PAUSE_SECONDS)
    try:
        return attempt()
    except psycopg.errors.LockNotAvailable:
        holders = ", ".join(row[0] for row in conn.execute(LIST_LONG, (LONG_SECONDS,)))
        raise LocksHeld(
            message=f"Other transactions keep their locks ({holders or 'all of them short'}); try again."
        ) from None


def run_unprotected(conn: psycopg.Connection, statements: Iterable[str]) -> None:
    """Run the statements of a file without a transaction around it, one by one; `conn` is in autocommit.

    A file that was cut short is taken up where it ended: an index that was left invalid is made anew, one
    that is valid stays. What makes or drops an index waits for other transactions as long as it takes, as it
    keeps nobody waiting; so does what changes rows. Other changes of the schema raise LocksHeld. An index of
    a partitioned table is made of one on each partition, which PostgreSQL does not do by itself.
    """
    for statement in statements:
        index = ON_INDEX.match(statement)
        if index is not None:
            if index["verb"].upper() == "CREATE" and is_partitioned(conn, index["table"]):
                make_partitioned_index(conn, index["name"], index["table"], statement[index.end() :])
            elif index["verb"].upper() == "CREATE":
                make_index(conn, index["name"], statement)
            elif find_validity(conn, index["name"]) is not None:
                run_alone(conn, statement, "0")
        elif ON_SCHEMA.match(statement):
            run_politely(conn, statement)
        else:
            run_alone(conn, statement, "0")


def run_alone(conn: psycopg.Connection, statement: str, lock_timeout: str) -> None:
    """One statement in autocommit with a limit for its locks."""
    conn.execute("SELECT set_config('lock_timeout', %s, false)", (lock_timeout,))
    try:
        conn.execute(statement.encode())
    finally:
        conn.execute("SELECT set_config('lock_timeout', '0', false)")


def run_politely(conn: psycopg.Connection, statement: str) -> None:
    """The same again and again until it gets its locks, each time for LOCK_TIMEOUT; raises LocksHeld."""
    retry(conn, lambda: run_alone(conn, statement, LOCK_TIMEOUT))


def is_partitioned(conn: psycopg.Connection, table: str) -> bool:
    """Whether a table has partitions."""
    row = conn.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", (table,)).fetchone()
    return row is not None and row[0]


def find_validity(conn: psycopg.Connection, name: str) -> bool | None:
    """Whether an index is valid; None where there is none of this name."""
    row = conn.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (name,)
    ).fetchone()
    return None if row is None else row[0]


def make_index(conn: psycopg.Connection, name: str, statement: str) -> None:
    """Make an index that is not there, or not valid."""
    valid = find_validity(conn, name)
    if valid is False:
        run_alone(conn, f"DROP INDEX CONCURRENTLY {name}", "0")
    if not valid:
        run_alone(conn, statement, "0")


def make_partitioned_index(conn: psycopg.Connection, name: str, table: str, rest: str) -> None:
    """Make an index of a partitioned table of what it lacks; `rest`: its text behind the table's name."""
    if find_validity(conn, name) is None:
        run_politely(conn, f"CREATE INDEX {name} ON ONLY {table}{rest}")
    for (partition,) in conn.execute(LIST_LACKING, (table, name)).fetchall():
        # As PostgreSQL calls those of partitions that are made later.
        part = "_".join([partition, *COLUMN.findall(rest.partition("(")[2].partition(")")[0]), "idx"])
        make_index(conn, part, f"CREATE INDEX CONCURRENTLY {part} ON {partition}{rest}")
        run_politely(conn, f"ALTER INDEX {name} ATTACH PARTITION {part}")


def list_invalid(conn: psycopg.Connection) -> list[str]:
    """Names of indexes that were left half made."""
    return [row[0] for row in conn.execute(LIST_INVALID)]

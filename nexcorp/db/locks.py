"""Change the schema of a running service: short waits for locks, indexes made concurrently."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import psycopg

from nexcorp.errors import AppError

# A statement that waits for a lock blocks all later ones: it waits this long, then lets them pass.
LOCK_TIMEOUT = "500ms"
PAUSE_SECONDS = 1.0
TRIES = 60
# If a lock cannot be had, transactions older than this are named.
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
    """A lock could not be had in any attempt; the message names the transactions that may hold it."""

    code = "locks_held"


def keep_trying(conn: psycopg.Connection, change: Callable[[], Result]) -> Result:
    """Change the schema in a transaction that waits LOCK_TIMEOUT for each lock; try up to TRIES times.

    Returns the result of `change`; raises LocksHeld.
    """

    def attempt() -> Result:
        with conn.transaction():
            conn.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
            return change()

    return retry(conn, attempt)


def retry(conn: psycopg.Connection, attempt: Callable[[], Result]) -> Result:
    """Call `attempt` again, after a pause, while it cannot get its locks; raises LocksHeld after TRIES."""
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
    """Run the statements of a file one by one without a transaction; `conn` is in autocommit.

    After an interruption, running the file again completes it: invalid indexes are made anew, valid ones
    stay. Making or dropping an index, and changing rows, may wait for other transactions without a limit, as
    they block nobody. Other changes of the schema raise LocksHeld. The index of a partitioned table is made
    of one index on each partition, which PostgreSQL cannot do concurrently by itself.
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
    """Run one statement in autocommit with a limit for its locks."""
    conn.execute("SELECT set_config('lock_timeout', %s, false)", (lock_timeout,))
    try:
        conn.execute(statement.encode())
    finally:
        conn.execute("SELECT set_config('lock_timeout', '0', false)")


def run_politely(conn: psycopg.Connection, statement: str) -> None:
    """Run a statement that waits LOCK_TIMEOUT for its locks, until it succeeds; raises LocksHeld."""
    retry(conn, lambda: run_alone(conn, statement, LOCK_TIMEOUT))


def is_partitioned(conn: psycopg.Connection, table: str) -> bool:
    """Return whether a table has partitions."""
    row = conn.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", (table,)).fetchone()
    return row is not None and row[0]


def find_validity(conn: psycopg.Connection, name: str) -> bool | None:
    """Return whether an index is valid; None if there is no index of this name."""
    row = conn.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (name,)
    ).fetchone()
    return None if row is None else row[0]


def make_index(conn: psycopg.Connection, name: str, statement: str) -> None:
    """Make an index unless it exists and is valid."""
    valid = find_validity(conn, name)
    if valid is False:
        run_alone(conn, f"DROP INDEX CONCURRENTLY {name}", "0")
    if not valid:
        run_alone(conn, statement, "0")


def make_partitioned_index(conn: psycopg.Connection, name: str, table: str, rest: str) -> None:
    """Make the missing parts of a partitioned table's index; `rest`: its text after the table's name."""
    if find_validity(conn, name) is None:
        run_politely(conn, f"CREATE INDEX {name} ON ONLY {table}{rest}")
    for (partition,) in conn.execute(LIST_LACKING, (table, name)).fetchall():
        # The name that PostgreSQL itself gives to indexes of later partitions.
        part = "_".join([partition, *COLUMN.findall(rest.partition("(")[2].partition(")")[0]), "idx"])
        make_index(conn, part, f"CREATE INDEX CONCURRENTLY {part} ON {partition}{rest}")
        run_politely(conn, f"ALTER INDEX {name} ATTACH PARTITION {part}")


def list_invalid(conn: psycopg.Connection) -> list[str]:
    """Return the names of invalid indexes, which an interrupted CREATE INDEX left."""
    return [row[0] for row in conn.execute(LIST_INVALID)]

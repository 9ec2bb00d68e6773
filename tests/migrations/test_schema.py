"""The migrated schema: everything has a comment and a name, and the audit trail is append-only."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from nexcorp.db import Database, sql

# The name that PostgreSQL gives to an unnamed CHECK: table, perhaps column, and "check".
AUTOMATIC = re.compile(r"_check\d*$")
# yoyo's own tables; and partitions, which inherit their constraints.
FOREIGN = r"^(_yoyo.*|yoyo_lock|events_\d{4}_\d{2})$"


async def rows(database: Database, text: str, *values: Any) -> list[Any]:
    async with database.connection(wait=5) as conn:
        found: list[Any] = await conn.fetch(text, *values)
        return found


async def test_every_table_view_and_function_is_explained(database: Database) -> None:
    found = await rows(
        database,
        """
        SELECT relname::text AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
            AND relname !~ $1 AND obj_description(oid, 'pg_class') IS NULL
        UNION ALL
        SELECT p.oid::regprocedure::text FROM pg_proc AS p
        WHERE pronamespace = 'public'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
            AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
        """,
        FOREIGN,
    )
    assert [row["name"] for row in found] == []


async def test_every_constraint_was_named_on_purpose(database: Database) -> None:
    found = await rows(
        database,
        """
        SELECT r.relname::text AS table, c.conname::text AS name, c.contype::text AS kind
        FROM pg_constraint AS c
        INNER JOIN pg_class AS r ON r.oid = c.conrelid
        WHERE c.connamespace = 'public'::regnamespace AND r.relname !~ $1 AND c.contype <> 'n'
        """,
        FOREIGN,
    )
    assert len(found) >= 40
    assert [row["name"] for row in found if AUTOMATIC.search(row["name"])] == []
    assert [row["name"] for row in found if not row["name"].startswith(row["table"])] == []
    endings = {"p": "_pkey", "f": "_fkey", "u": "_key"}
    wrong = [row["name"] for row in found if not row["name"].endswith(endings.get(row["kind"], ""))]
    assert wrong == []


async def test_every_foreign_key_has_an_index(database: Database) -> None:
    """Without an index, deleting the referenced row reads the whole table."""
    found = await rows(
        database,
        """
        SELECT conrelid::regclass::text || '.' || conname AS name
        FROM pg_constraint AS c
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace
            AND NOT EXISTS (
                SELECT FROM pg_index AS i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
            )
        """,
    )
    assert [row["name"] for row in found] == []


async def test_every_table_has_a_primary_key(database: Database) -> None:
    found = await rows(
        database,
        """
        SELECT relname::text AS name FROM pg_class AS r
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname !~ $1
            AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = r.oid AND i.indisprimary)
        """,
        FOREIGN,
    )
    assert [row["name"] for row in found] == []


async def test_the_trail_has_a_partition_for_this_month_and_the_next_three(database: Database) -> None:
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT ensure_event_partitions(3)") == 0
        assert await conn.fetchval("SELECT ensure_event_partitions(5)") == 2
        assert await conn.fetchval("SELECT ensure_event_partitions(5)") == 0
        names = await conn.fetch(
            """
            SELECT to_regclass('events_' || to_char(month, 'YYYY_MM'))
            FROM generate_series(
                date_trunc('month', now()), now() + interval '5 months', '1 month'
            ) AS months (month)
            """
        )
        assert [row[0] is not None for row in names] == [True] * 6


async def record(conn: Any, dedup_key: str | None = None) -> None:
    values: dict[str, Any] = {"actor_id": None, "entity_type": "post", "entity_id": uuid4(), "payload": {}}
    await sql.events.emit_once(
        conn, event_type="post.created", context={}, root=None, dedup_key=dedup_key, **values
    )


async def test_an_event_goes_into_its_month(database: Database) -> None:
    async with database.connection() as conn:
        await record(conn)
        found = await conn.fetchval("SELECT tableoid::regclass::text FROM events")
        assert found == await conn.fetchval("SELECT to_char(now(), '\"events_\"YYYY_MM')")


async def test_the_trail_takes_no_change(database: Database) -> None:
    async with database.connection() as conn:
        await record(conn)
        month = await conn.fetchval("SELECT tableoid::regclass::text FROM events")
        for statement in (
            "UPDATE events SET payload = '{}'",
            f"UPDATE {month} SET payload = '{{}}'",  # noqa: S608
            "DELETE FROM events",
            f"DELETE FROM {month}",  # noqa: S608
            "TRUNCATE events",
            "TRUNCATE events_default",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await conn.execute(statement)
        assert await conn.fetchval("SELECT count(*) FROM events") == 1


async def test_retention_can_drop_a_month(database: Database) -> None:
    async with database.connection() as conn:
        await record(conn)
        month = await conn.fetchval("SELECT tableoid::regclass::text FROM events")
        await conn.execute(f"DROP TABLE {month}")
        assert await conn.fetchval("SELECT count(*) FROM events") == 0


async def test_one_thing_is_queued_once(database: Database) -> None:
    async with database.connection() as conn:
        for key in ("same", "same", "other", None, None):
            await record(conn, key)
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 4
        assert await conn.fetchval("SELECT count(*) FROM events") == 5


async def test_ids_are_version_7_and_in_order(database: Database) -> None:
    async with database.connection() as conn:
        made = [row[0] for row in await conn.fetch("SELECT uuidv7() FROM generate_series(1, 1000)")]
    assert {made_id.version for made_id in made} == {7}
    assert made == sorted(made)
    assert len(set(made)) == 1000

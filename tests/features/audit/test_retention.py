"""Months of the audit trail are dropped whole once they are old enough; nothing else removes events."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from nexcorp.db import sql
from workers.jobs.cleanup import clean_up

LIST = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1"
# Make a partition with one event, `months` before this month.
MAKE = """
DO $$
DECLARE
    start timestamp := date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => {months});
BEGIN
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
        to_char(start, '"events_"YYYY_MM'),
        start AT TIME ZONE 'UTC',
        (start + interval '1 month') AT TIME ZONE 'UTC'
    );
    INSERT INTO events (type, entity_type, entity_id, payload, metadata, created_at)
    VALUES (
        'post.created', 'post', gen_random_uuid(), '{{"back": {months}}}', '{{}}', start AT TIME ZONE 'UTC'
    );
END
$$
"""
INSERT = """
INSERT INTO events (type, entity_type, entity_id, payload, metadata, created_at)
VALUES (
    'post.created', 'post', gen_random_uuid(), jsonb_build_object('back', $2::integer), '{}',
    now() - $1::text::interval
)
"""
# TRUNCATE comes first: UPDATE and DELETE are refused by row, and an empty table has no row.
ATTEMPTS = ("TRUNCATE {}", "UPDATE {} SET type = 'x'", "DELETE FROM {}")


async def list_kept(conn: Any) -> list[int]:
    """Return how many months back each remaining old event is, newest first."""
    rows = await conn.fetch(
        "SELECT (payload ->> 'back')::integer AS back FROM events ORDER BY created_at DESC"
    )
    return [row["back"] for row in rows]


async def test_old_months_go_with_the_cleanup(database: Any, config: Any) -> None:
    async with database.connection(wait=5) as conn:
        before = [row[0] for row in await conn.fetch(LIST)]
        for months in (1, 2, 12, 15, 30):
            await conn.execute(MAKE.format(months=months))
        # Older than every month: it goes to the default partition and is deleted like the old months.
        await conn.execute(INSERT, "99 months", 99)
    for _ in range(2):
        await clean_up({"database": database, "config": config})
        async with database.connection(wait=5) as conn:
            # The fifteenth month back ended more than 400 days ago, the twelfth less.
            assert await list_kept(conn) == [1, 2, 12]
    async with database.connection(wait=5) as conn:
        assert await sql.audit.drop_partitions(conn, keep_days=1) == 3 - await kept_by_one_day(conn)
        assert set(before) <= {row[0] for row in await conn.fetch(LIST)}


async def kept_by_one_day(conn: Any) -> int:
    """Return 1 on the first of a month, when the previous month ended less than a day ago, else 0."""
    kept: int = await conn.fetchval("SELECT (extract(day FROM now() AT TIME ZONE 'UTC') = 1)::integer")
    return kept


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
@pytest.mark.parametrize("days", [0, -1000])
async def test_the_current_month_and_those_to_come_never_go(database: Any, days: int, zone: str) -> None:
    async with database.transaction(wait=5) as conn:
        await conn.execute(f"SET LOCAL TimeZone = '{zone}'")
        before = [row[0] for row in await conn.fetch(LIST)]
        await conn.execute(MAKE.format(months=1))
        assert await sql.audit.drop_partitions(conn, keep_days=days) == 1
        assert [row[0] for row in await conn.fetch(LIST)] == before


async def test_nothing_else_takes_events_away(database: Any) -> None:
    async with database.connection(wait=5) as conn:
        await conn.execute(MAKE.format(months=15))
        await conn.execute(INSERT, "0 months", 0)
        this_month = await conn.fetchval("SELECT to_char(now() AT TIME ZONE 'UTC', '\"events_\"YYYY_MM')")
        for table in ("events", this_month, "events_default"):
            for attempt in ATTEMPTS[: 1 if table == "events_default" else 3]:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                    await conn.execute(attempt.format(table))
        assert await sql.audit.drop_partitions(conn, keep_days=400) == 1
        assert await list_kept(conn) == [0]

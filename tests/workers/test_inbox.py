"""Rows of the inbox that age or a person's leaving removes."""

from __future__ import annotations

import asyncio
from typing import Any

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.features import PRODUCT
from workers.jobs.cleanup import delete_parts
from workers.jobs.inbox import wake_notifications

# Inserts for a person ($1) and an age in days ($2), of tables whose rows are kept for a limited time.
KEPT = {
    "notifications_archive": """
        INSERT INTO notifications_archive (
            id, receiver_id, event_id, type, is_read, archived_at, created_at, updated_at, variant, params,
            position
        )
        SELECT uuidv7(), $1, uuidv7(), 'like', true, at, at, at, '', '{}', uuidv7()
        FROM (SELECT now() - make_interval(days => $2)) AS t (at)""",
    "notification_groups": """
        INSERT INTO notification_groups (receiver_id, key, position, opened_at)
        SELECT $1, $2::integer::text, uuidv7(), now() - make_interval(days => $2)""",
}
COUNT = "SELECT count(*) FROM {}"
DAYS = {
    "notifications_archive": 366,
    "notification_groups": 401,
}
MORE = {
    "notification_groups": """
        INSERT INTO notification_groups (receiver_id, key, position, members)
        VALUES ($1, 'x', uuidv7(), 1)""",
    "notifications": """
        INSERT INTO notifications (receiver_id, event_id, type) VALUES ($1, uuidv7(), 'like')""",
    "notification_counters": "INSERT INTO notification_counters (user_id, unread) VALUES ($1, 1)",
}


async def count(database: Database, *tables: str) -> dict[str, int]:
    """Count the rows of each table."""
    async with database.connection(wait=5) as conn:
        return {table: await conn.fetchval(COUNT.format(table)) for table in tables}


async def test_what_is_kept_for_a_while_goes_and_the_rest_stays(
    database: Database, config: Config, people: Any
) -> None:
    ada, grace = await people(2)
    async with database.transaction(wait=5) as conn:
        for table, text in KEPT.items():
            # One row is over its time, one has a day to go.
            for days in (DAYS[table], DAYS[table] - 2):
                await conn.execute(text, ada, days)
    assert await delete_parts({"database": database, "config": config}) == len(KEPT)
    assert await count(database, *KEPT) == dict.fromkeys(KEPT, 1)
    assert await delete_parts({"database": database, "config": config}) == 0
    # A person who leaves takes all of their rows along, and no others.
    async with database.transaction(wait=5) as conn:
        for text in MORE.values():
            await conn.execute(text, ada)
        for text in KEPT.values():
            await conn.execute(text, grace, 0)
        await sql.notifications.delete_inbox(conn, user_id=ada)
    assert await count(database, *MORE, *KEPT) == dict.fromkeys(MORE, 0) | dict.fromkeys(KEPT, 1)


async def test_two_workers_wake_each_once(database: Database, people: Any) -> None:
    """There is more than one part, and people are in another order than their rows are due."""
    everybody = await people(4)
    async with database.transaction(wait=5) as conn:
        await conn.execute(
            """WITH told AS (
                INSERT INTO notifications (receiver_id, event_id, type, is_read, snoozed_until)
                SELECT u.id, uuidv7(), 'like', n % 2 = 0, now() - n * interval '1 second'
                FROM generate_series(1, 150) AS n
                CROSS JOIN unnest($1::uuid[]) AS u (id)
            )
            INSERT INTO notification_counters (user_id, unread)
            SELECT id, 0 FROM unnest($1::uuid[]) AS u (id)""",
            everybody,
        )
    context = {"database": database, "product": PRODUCT}
    woken = await asyncio.gather(*(wake_notifications(context) for _ in range(3)))
    assert sum(woken) == 600
    async with database.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM events WHERE type = 'notification.woken'") == 600
        counts = await conn.fetch("SELECT unread FROM notification_counters")
        rows = await conn.fetch(
            """SELECT count(*) FILTER (WHERE n.is_unread) AS unread, count(DISTINCT n.position) AS places
            FROM notifications AS n GROUP BY n.receiver_id"""
        )
        assert await conn.fetchval("SELECT count(*) FROM notifications WHERE snoozed_until IS NOT NULL") == 0
    assert [row["unread"] for row in counts] == [150] * 4
    assert [tuple(row) for row in rows] == [(150, 150)] * 4

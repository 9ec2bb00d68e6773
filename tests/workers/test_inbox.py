"""What time and leaving take away of what people are told."""

from __future__ import annotations

import asyncio
from typing import Any

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.features import PRODUCT
from workers.jobs.cleanup import delete_parts
from workers.jobs.inbox import wake_notifications

# Of each person and age in days: what is kept for some time, and with whom it goes.
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
    "notifications_held": """
        INSERT INTO notifications_held (receiver_id, event_id, type, reason, created_at, held_at)
        SELECT $1, uuidv7(), 'like', 'muted', now(), now() - make_interval(days => $2)""",
    "deliveries": """
        WITH sent AS (
            INSERT INTO deliveries (notification_id, channel, receiver_id, due_at, created_at)
            SELECT uuidv7(), 'email', $1, now(), now() - make_interval(days => $2)
            RETURNING *
        )
        INSERT INTO delivery_attempts (notification_id, channel, target, outcome)
        SELECT notification_id, channel, target, 'begun' FROM sent""",
    "digests": """
        INSERT INTO digests (user_id, kind, period, created_at)
        SELECT $1, 'daily', $2::integer::text, now() - make_interval(days => $2)""",
    "notification_mutes": """
        INSERT INTO notification_mutes (user_id, entity_type, entity_id, until)
        SELECT $1, 'post', uuidv7(), now() - make_interval(days => $2)""",
}
COUNT = "SELECT count(*) FROM {}"
DAYS = {
    "notifications_archive": 366,
    "notification_groups": 401,
    "notifications_held": 15,
    "deliveries": 41,
    "digests": 31,
    "notification_mutes": 1,
}
MORE = {
    "notification_preferences": "INSERT INTO notification_preferences (user_id, type) VALUES ($1, 'like')",
    "notification_settings": "INSERT INTO notification_settings (user_id) VALUES ($1)",
    "notification_groups": """
        INSERT INTO notification_groups (receiver_id, key, position, members)
        VALUES ($1, 'x', uuidv7(), 1)""",
    "notifications": """
        INSERT INTO notifications (receiver_id, event_id, type) VALUES ($1, uuidv7(), 'like')""",
    "notification_counters": "INSERT INTO notification_counters (user_id, unread) VALUES ($1, 1)",
}


async def count(database: Database, *tables: str) -> dict[str, int]:
    """How many rows each table has."""
    async with database.connection(wait=5) as conn:
        return {table: await conn.fetchval(COUNT.format(table)) for table in tables}


async def test_what_is_kept_for_a_while_goes_and_the_rest_stays(
    database: Database, config: Config, people: Any
) -> None:
    ada, grace = await people(2)
    async with database.transaction(wait=5) as conn:
        for table, text in KEPT.items():
            # One has had its time, one has a day to go.
            for days in (DAYS[table], DAYS[table] - 2):
                await conn.execute(text, ada, days)
    assert await delete_parts({"database": database, "config": config}) == len(KEPT)
    left = await count(database, *KEPT, "delivery_attempts")
    assert left == dict.fromkeys((*KEPT, "delivery_attempts"), 1)
    assert await delete_parts({"database": database, "config": config}) == 0
    # A person who leaves takes all of it along, and nothing of anybody else's.
    async with database.transaction(wait=5) as conn:
        for text in MORE.values():
            await conn.execute(text, ada)
        for table, text in KEPT.items():
            await conn.execute(text, grace, 0 if table != "notification_mutes" else -5)
        await conn.execute(MORE["notification_settings"], grace)
        await sql.notifications.delete_inbox(conn, user_id=ada)
    left = await count(database, *KEPT, *MORE, "delivery_attempts")
    mine = dict.fromkeys((*KEPT, "notification_settings", "delivery_attempts"), 1)
    assert left == dict.fromkeys(MORE, 0) | mine


async def test_two_workers_wake_each_once(database: Database, people: Any) -> None:
    """Also more than a part, of people in another order than that in which they are due."""
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

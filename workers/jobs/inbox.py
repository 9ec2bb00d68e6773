"""Jobs of inboxes: wake snoozed notifications, and archive read ones that are old."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.effects import WAKE

PART = 500
# This many people at once, with this many rows of each: a thousand rows a transaction.
PEOPLE, ROWS = 10, 50
FIRST_ID = UUID(int=0)


async def wake_notifications(ctx: Any) -> int:
    """Return due snoozed notifications to the top; return how many."""
    woken = 0
    while True:
        async with ctx["database"].transaction(wait=10.0) as conn:
            people = [row["receiver_id"] for row in await sql.aging.list_sleepers(conn, most=PART)]
            if not people:
                return woken
            # Every change of an inbox locks its counter first; due rows are read after that.
            await sql.aging.take_counters(conn, user_ids=people)
            woken += await sql.aging.wake_notifications(conn, user_ids=people, most=PART)
            conn.after(WAKE)


async def retire_notifications(ctx: Any) -> int:
    """Move read notifications older than the configured days to the archive table; return how many moved.

    Notifications that users archived move as well, which they do not notice.
    """
    days = ctx["config"].notification_retention_days
    moved, after = 0, FIRST_ID
    while True:
        async with ctx["database"].connection(wait=10.0) as conn:
            rows = await sql.aging.list_outdated(conn, after=after, days=days, most=PART)
        people = [row["user_id"] for row in rows if row["user_id"] is not None]
        for start in range(0, len(people), PEOPLE):
            moved += await retire_part(ctx["database"], people[start : start + PEOPLE], days)
        if len(rows) < PART:
            return moved
        after = rows[-1]["reached"]


async def retire_part(database: Any, people: list[UUID], days: int) -> int:
    """Move the old notifications of a few people, in parts; return how many moved."""
    moved = 0
    while True:
        async with database.transaction(wait=10.0) as conn:
            await sql.aging.take_counters(conn, user_ids=people)
            part: int = await sql.aging.retire_notifications(conn, user_ids=people, days=days, most=ROWS)
            conn.after(WAKE)
        moved += part
        if not part:
            return moved

"""Tasks: reminders of what is due, and the end of each day."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql

PART = 500


async def remind_due(ctx: Any) -> None:
    """Emit the reminders that are due, in parts; the outbox has them delivered."""
    reminded = PART
    while reminded == PART:
        async with ctx["database"].transaction(wait=10.0) as conn:
            reminded = await sql.task_reminders.remind_due(conn, most=PART)


async def close_day(ctx: Any) -> None:
    """Keep what was open when yesterday ended, the first time in a day; safe to run at any time and twice."""
    async with ctx["database"].connection(wait=10.0) as conn:
        await sql.task_stats.close_day(conn)
        await sql.task_stats.forget_projects(conn)

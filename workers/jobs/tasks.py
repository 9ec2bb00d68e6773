"""Jobs of tasks: reminders, and the daily count."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql

PART = 500


async def remind_due(ctx: Any) -> None:
    """Emit the due reminders, in parts; the outbox delivers them."""
    reminded = PART
    while reminded == PART:
        async with ctx["database"].transaction(wait=10.0) as conn:
            reminded = await sql.task_reminders.remind_due(conn, most=PART)


async def close_day(ctx: Any) -> None:
    """Record once a day what was open when yesterday ended; safe to run at any time and twice."""
    async with ctx["database"].connection(wait=10.0) as conn:
        await sql.task_stats.close_day(conn)
        await sql.task_stats.forget_projects(conn)

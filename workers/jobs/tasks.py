"""Tasks: reminders of what is due, the end of each day, and what was in the trash for long."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.delivery.effects import WAKE

PART = 500
TRASH_DAYS = 30
IMPORT_DAYS = 7


async def remind_due(ctx: Any) -> None:
    """Emit the reminders that are due, in parts; the outbox has them delivered."""
    reminded = PART
    while reminded == PART:
        async with ctx["database"].transaction(wait=10.0) as conn:
            reminded = await sql.task_reminders.remind_due(conn, most=PART)


async def tidy_tasks(ctx: Any) -> None:
    """Close yesterday, purge old trash, forget old imports; safe to run at any time and twice."""
    database = ctx["database"]
    async with database.connection(wait=10.0) as conn:
        await sql.task_stats.close_day(conn)
        await sql.task_stats.forget_projects(conn)
        await sql.task_tidying.delete_old_imports(conn, days=IMPORT_DAYS)
    expired = PART
    while expired == PART:
        async with database.transaction(wait=10.0) as conn:
            rows = await sql.task_tidying.lock_expired(conn, days=TRASH_DAYS, most=PART)
            expired = len(rows)
            if rows:
                await sql.tasks.purge_tasks(conn, ids=[row["id"] for row in rows], actor_id=None, context={})
                conn.after(WAKE)

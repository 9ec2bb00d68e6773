"""The job that ends participations after a minute without a sign, and sessions after a day without people."""

from __future__ import annotations

from typing import Any

from nexcorp.db import Database, sql
from nexcorp.domain.sessions import tell_session

AT_ONCE = 200


async def tidy_sessions(ctx: Any) -> None:
    """End both, in parts; safe to run at any time and twice."""
    for step in (leave_unseen, end_empty):
        while await step(ctx["database"]) == AT_ONCE:
            pass


async def leave_unseen(database: Database) -> int:
    """Have participants leave who were not seen for a minute; return how many."""
    async with database.transaction(wait=10.0) as conn:
        rows = await sql.sessions.leave_unseen(conn, most=AT_ONCE)
        for row in rows:
            await tell_session(
                conn, "left", row["session_id"], row["project_id"], None, userId=row["user_id"]
            )
    return len(rows)


async def end_empty(database: Database) -> int:
    """End sessions that have been empty for a day; return how many were checked."""
    async with database.transaction(wait=10.0) as conn:
        locked = [row["id"] for row in await sql.sessions.lock_empty(conn, most=AT_ONCE)]
        for row in await sql.sessions.end_empty(conn, ids=locked):
            await tell_session(conn, "ended", row["id"], row["project_id"], None)
    return len(locked)

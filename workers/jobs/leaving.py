"""What was on its way when a person left, and was written behind it."""

from __future__ import annotations

from typing import Any

import structlog

from nexcorp.db import sql

log = structlog.get_logger("nexcorp.leaving")

# A request may take 30 seconds and a worker that hangs keeps its batch for 10; an event that fails is tried
# for eight and a half minutes, and may until then tell a person's room of what they did before they left.
SOON_MINUTES = 15
# Once an hour, for those who left while no worker ran. Frames that come later hold ids, and go by their age.
LATE_MINUTES = 3 * 24 * 60


async def leave_again(ctx: Any, minutes: int = SOON_MINUTES) -> int:
    """Have every feature remove again what is of those who left in the last so many minutes.

    Returns how many they are. One that fails is logged, and comes up again with the next run.
    """
    database = ctx["database"]
    async with database.connection(wait=10.0) as conn:
        people = [row["id"] for row in await sql.users.list_departed(conn, minutes=minutes)]
    for user_id in people:
        try:
            async with database.transaction(wait=10.0) as conn:
                await ctx["product"].leave(conn, user_id)
        except Exception as error:
            # Not the message: PostgreSQL quotes rows in it.
            log.warning("leaving is not complete yet", user=str(user_id), error=type(error).__name__)
    return len(people)

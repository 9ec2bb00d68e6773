"""The job that removes data written after a person left, by work that was still running."""

from __future__ import annotations

from typing import Any

import structlog

from nexcorp.db import sql

log = structlog.get_logger("nexcorp.leaving")

# A request may take 30 seconds, and a hanging worker keeps its batch for 10; an event that fails is retried
# for eight and a half minutes, and until then may send to a person's room what they did before they left.
SOON_MINUTES = 15
# Once an hour, for people who left while no worker ran. Later frames hold only ids, and expire with age.
LATE_MINUTES = 3 * 24 * 60


async def leave_again(ctx: Any, minutes: int = SOON_MINUTES) -> int:
    """Have every feature again remove the data of people who left in the last `minutes`.

    Returns the number of these people. A failure is logged, and the next run tries again.
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

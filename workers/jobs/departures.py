"""Takes the names of people who have left out of the frames that are kept for latecomers."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql

ROOMS = 500


async def scrub_departed(ctx: Any) -> int:
    """Scrub the frames of whoever left lately; returns how many people that were.

    Walks all rooms in parts: no index finds who is named in a frame, and people leave rarely. What was
    under way when they left is met by the next run: note_scrubbed says when no more is needed.
    """
    database = ctx["database"]
    async with database.connection(wait=10.0) as conn:
        people = [row["id"] for row in await sql.users.list_unscrubbed(conn)]
    if not people:
        return 0
    after = ""
    while True:
        async with database.transaction(wait=10.0) as conn:
            rooms = [
                row["name"] for row in await sql.realtime.list_rooms_after(conn, after=after, most=ROOMS)
            ]
            await sql.realtime.scrub_frames(conn, rooms=rooms, user_ids=people)
        if not rooms:
            break
        after = rooms[-1]
    async with database.transaction(wait=10.0) as conn:
        await sql.realtime.delete_frames(conn, rooms=[f"user:{person}" for person in people])
        await sql.users.note_scrubbed(conn, user_ids=people)
    return len(people)

"""The rules of likes and interests: repeating one has no further effect. Each is one statement."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context
from nexcorp.delivery.effects import WAKE
from nexcorp.errors import PostNotFound
from nexcorp.features.reactions.errors import REFUSALS, Assigned


async def like_post(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Like a post; return `{liked, likeCount, countsVersion}`. Its author is notified of the first time.

    Raises PostNotFound.
    """
    row = await sql.reactions.like_post(conn, post_id=post_id, user_id=user_id, context=describe_context())
    return check_reaction(conn, row)


async def unlike_post(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take a like back; return `{liked, likeCount, countsVersion}`. Raises PostNotFound."""
    row = await sql.reactions.unlike_post(conn, post_id=post_id, user_id=user_id, context=describe_context())
    return check_reaction(conn, row)


async def add_interest(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take an interest in a project; return `{interested, interestCount, countsVersion}`.

    Its author is notified once. Raises PostNotFound, and Conflict for the user's own project, one that is
    over, and a post that is not a project.
    """
    row = await sql.reactions.add_interest(conn, post_id=post_id, user_id=user_id, context=describe_context())
    if row is not None and row["_refusal"] is not None:
        raise REFUSALS[row["_refusal"]]()
    return check_reaction(conn, row)


async def remove_interest(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take an interest back; return `{interested, interestCount, countsVersion}`.

    Raises PostNotFound, and Assigned if the project is assigned to the user.
    """
    row = await sql.reactions.remove_interest(
        conn, post_id=post_id, user_id=user_id, context=describe_context()
    )
    if row is not None and row["_assigned"]:
        raise Assigned()
    return check_reaction(conn, row)


def check_reaction(conn: Any, row: Any) -> Any:
    """Return a reaction's row, and wake the workers if it changed anything; raise PostNotFound for None."""
    if row is None:
        raise PostNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row

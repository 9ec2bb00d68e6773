"""The rules of likes and interests: any number of times the same, once in effect. Each is one statement."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context
from nexcorp.delivery.effects import WAKE
from nexcorp.errors import PostNotFound
from nexcorp.features.reactions.errors import REFUSALS, Assigned


async def like_post(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Like a post; returns `{liked, likeCount, countsVersion}`. Its author is told the first time.

    Raises PostNotFound.
    """
    row = await sql.reactions.like_post(conn, post_id=post_id, user_id=user_id, context=describe_context())
    return check_reaction(conn, row)


async def unlike_post(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take a like back; returns `{liked, likeCount, countsVersion}`. Raises PostNotFound."""
    row = await sql.reactions.unlike_post(conn, post_id=post_id, user_id=user_id, context=describe_context())
    return check_reaction(conn, row)


async def add_interest(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take an interest in a project; returns `{interested, interestCount, countsVersion}`.

    Its author is told once. Raises PostNotFound, and Conflict for one's own project, one that is over, and
    what is no project.
    """
    row = await sql.reactions.add_interest(conn, post_id=post_id, user_id=user_id, context=describe_context())
    if row is not None and row["_refusal"] is not None:
        raise REFUSALS[row["_refusal"]]()
    return check_reaction(conn, row)


async def remove_interest(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take an interest back; returns `{interested, interestCount, countsVersion}`.

    The assigned cannot: Conflict.
    """
    row = await sql.reactions.remove_interest(
        conn, post_id=post_id, user_id=user_id, context=describe_context()
    )
    if row is not None and row["_assigned"]:
        raise Assigned()
    return check_reaction(conn, row)


def check_reaction(conn: Any, row: Any) -> Any:
    """A reaction's row, whose event, if it changed anything, workers are told of; raises PostNotFound."""
    if row is None:
        raise PostNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row

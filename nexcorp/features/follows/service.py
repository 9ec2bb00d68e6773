"""The rules of following."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context
from nexcorp.delivery.effects import WAKE
from nexcorp.errors import UserNotFound, on_constraint
from nexcorp.features.follows.errors import CannotFollowSelf


async def follow_user(conn: Any, follower_id: UUID, followed_id: UUID) -> Any:
    """Follow a user, who is notified once; returns `{following}`. Raises UserNotFound, CannotFollowSelf."""
    itself, missing = CannotFollowSelf(errors={"id": ["Is yourself."]}), UserNotFound()
    with on_constraint("follows_no_self", itself), on_constraint("follows_followed_id_fkey", missing):
        row = await sql.follows.follow_user(
            conn, follower_id=follower_id, followed_id=followed_id, context=describe_context()
        )
    if row is None:
        raise UserNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row


async def unfollow_user(conn: Any, follower_id: UUID, followed_id: UUID) -> Any:
    """Stop following a user; returns `{following}`. Raises UserNotFound."""
    row = await sql.follows.unfollow_user(
        conn, follower_id=follower_id, followed_id=followed_id, context=describe_context()
    )
    if row is None:
        raise UserNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row

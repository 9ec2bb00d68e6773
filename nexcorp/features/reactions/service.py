"""The rules of likes and interests: any number of times the same, once in effect."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.errors import PostNotFound, on_constraint
from nexcorp.features.reactions.errors import REFUSALS, Assigned


async def like_post(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Like a post; returns `{liked, likeCount}`. Its author is told the first time. Raises NotFound."""
    with on_constraint("likes_post_id_fkey", PostNotFound()):
        row = await sql.reactions.like_post(conn, post_id=post_id, user_id=user_id)
    if row is None:
        raise PostNotFound()
    if row["_changed"]:
        payload = {
            "postId": post_id,
            "userId": user_id,
            "authorId": row["_authorId"],
            "excerpt": row["_excerpt"],
            "liked": True,
            "likeCount": row["likeCount"],
        }
        await emit(conn, "post.liked", actor_id=user_id, entity=("post", post_id), payload=payload)
    return row


async def unlike_post(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take a like back; returns `{liked, likeCount}`. Raises NotFound."""
    await sql.posts.lock_post(conn, post_id=post_id)
    row = await sql.reactions.unlike_post(conn, post_id=post_id, user_id=user_id)
    if row is None:
        raise PostNotFound()
    if row["_changed"]:
        payload = {"postId": post_id, "userId": user_id, "liked": False, "likeCount": row["likeCount"]}
        await emit(conn, "post.unliked", actor_id=user_id, entity=("post", post_id), payload=payload)
    return row


async def add_interest(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take an interest in a project; returns `{interested, interestCount}`. Its author is told once.

    Raises NotFound, and Conflict for one's own project, one that is over, and what is none.
    """
    await sql.posts.lock_post(conn, post_id=post_id)
    row = await sql.reactions.add_interest(conn, post_id=post_id, user_id=user_id)
    if row is None:
        raise PostNotFound()
    if row["_refusal"] is not None:
        raise REFUSALS[row["_refusal"]]()
    if row["_changed"]:
        payload = {
            "postId": post_id,
            "userId": user_id,
            "authorId": row["_authorId"],
            "excerpt": row["_excerpt"],
            "interested": True,
            "interestCount": row["interestCount"],
        }
        await emit(conn, "post.interest_added", actor_id=user_id, entity=("post", post_id), payload=payload)
    return row


async def remove_interest(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Take an interest back; returns `{interested, interestCount}`. The assigned cannot: Conflict."""
    await sql.posts.lock_post(conn, post_id=post_id)
    row = await sql.reactions.remove_interest(conn, post_id=post_id, user_id=user_id)
    if row is None:
        raise PostNotFound()
    if row["_assigned"]:
        raise Assigned()
    if row["_changed"]:
        payload = {
            "postId": post_id,
            "userId": user_id,
            "interested": False,
            "interestCount": row["interestCount"],
        }
        await emit(conn, "post.interest_removed", actor_id=user_id, entity=("post", post_id), payload=payload)
    return row

"""The rules of likes: any number of times the same, once in effect."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.errors import NotFound, on_constraint
from nexcorp.events import emit


class PostNotFound(NotFound):
    """There is no post with this id, or not any more."""

    code, message = "post_not_found", "There is no such post."


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
    row = await sql.reactions.unlike_post(conn, post_id=post_id, user_id=user_id)
    if row is None:
        raise PostNotFound()
    if row["_changed"]:
        payload = {"postId": post_id, "userId": user_id, "liked": False, "likeCount": row["likeCount"]}
        await emit(conn, "post.unliked", actor_id=user_id, entity=("post", post_id), payload=payload)
    return row

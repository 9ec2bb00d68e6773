"""The rules of posts: who may change one, and what everybody hears of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.errors import Forbidden, NotFound, PreconditionFailed, StaleVersion
from nexcorp.events import emit
from nexcorp.web.mentions import find_mentions


async def create_post(conn: Any, author_id: UUID, data: dict[str, Any]) -> Any:
    """Publish `{type, title, body}`; returns the post. Those it mentions are told."""
    post = await sql.posts.create_post(
        conn, author_id=author_id, type=data["type"], title=data["title"], body=data["body"]
    )
    names = find_mentions(data["body"])
    mentioned = await sql.posts.list_mentioned(conn, usernames=names) if names else []
    payload = {
        "post": row_to_dict(post),
        "authorId": author_id,
        "mentionedIds": [row["id"] for row in mentioned],
    }
    await emit(conn, "post.created", actor_id=author_id, entity=("post", post["id"]), payload=payload)
    return post


async def refuse_change(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Why a change met no row: raises NotFound or Forbidden; returns the row where its version was stale."""
    post = await sql.posts.get_post(conn, post_id=post_id, viewer_id=user_id)
    if post is None:
        raise NotFound("post_not_found", "There is no such post.")
    if await sql.posts.get_post_author(conn, post_id=post_id) != user_id:
        raise Forbidden("not_your_post", "Only its author may change a post.")
    return post


async def update_post(
    conn: Any, post_id: UUID, user_id: UUID, data: dict[str, Any], version: int | None, by_etag: bool
) -> Any:
    """Change the fields in `data`; returns the post.

    Raises NotFound, Forbidden, and for an old `version` StaleVersion with the current row, or
    PreconditionFailed where the version came as If-Match.
    """
    changed = await sql.posts.update_post(
        conn,
        post_id=post_id,
        author_id=user_id,
        version=version,
        set_title="title" in data,
        title=data.get("title"),
        body=data.get("body"),
    )
    if changed is None:
        current = await refuse_change(conn, post_id, user_id)
        raise (PreconditionFailed if by_etag else StaleVersion)(current=row_to_dict(current))
    post = await sql.posts.get_post(conn, post_id=post_id, viewer_id=user_id)
    # The viewer's own like says nothing to the others in the room.
    shown = {**row_to_dict(post), "liked": False}
    payload = {"post": shown, "authorId": user_id}
    await emit(conn, "post.updated", actor_id=user_id, entity=("post", post_id), payload=payload)
    return post


async def delete_post(conn: Any, post_id: UUID, user_id: UUID) -> None:
    """Remove a post with its comments and likes; raises NotFound or Forbidden."""
    if await sql.posts.delete_post(conn, post_id=post_id, author_id=user_id) is None:
        await refuse_change(conn, post_id, user_id)
        raise NotFound("post_not_found", "There is no such post.")
    payload = {"authorId": user_id}
    await emit(conn, "post.deleted", actor_id=user_id, entity=("post", post_id), payload=payload)

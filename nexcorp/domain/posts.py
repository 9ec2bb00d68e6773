"""Events of posts and their files, emitted by several features and by the worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.effects import Forget, Job
from nexcorp.delivery.outbox import emit

MAKE_THUMBNAILS = Job("make_thumbnails")
# The cached page of explore shows posts, and the names of their authors.
FORGET_EXPLORE = Forget("explore")


async def show_post(
    conn: Any,
    event: str,
    post_id: UUID,
    viewer_id: UUID,
    *,
    actor_id: UUID | None,
    mentioned_ids: Sequence[UUID] = (),
    fields: Sequence[str] = (),
) -> Any:
    """Emit `event` of a post, which shows it in the rooms and notifies those mentioned; return the post.

    A change of a draft reaches only the audit trail. `fields` are the names of the changed fields. The post
    is returned as the viewer sees it, who must be its author if it may be a draft; None if it is gone.
    """
    post = await sql.posts.get_post(conn, post_id=post_id, viewer_id=viewer_id)
    if post is None:
        return None
    payload: dict[str, Any] = {"authorId": post["_authorId"], "version": post["version"], "fields": fields}
    if post["status"] != "draft":
        payload["mentionedIds"] = mentioned_ids
    elif event == "post.updated":
        event = "post.draft_updated"
    else:
        return post
    await emit(conn, event, actor_id=actor_id, entity=("post", post_id), payload=payload)
    return post


async def tell_of_uploads(conn: Any, owner_id: UUID, rows: Sequence[Any]) -> None:
    """Emit upload.created for each row, and queue the making of thumbnails if one is missing."""
    for row in rows:
        payload = {key: row[key] for key in ("type", "bytes")}
        await emit(conn, "upload.created", actor_id=owner_id, entity=("upload", row["id"]), payload=payload)
    if any(row["width"] is not None and row["thumbnailUrl"] is None for row in rows):
        conn.after(MAKE_THUMBNAILS)

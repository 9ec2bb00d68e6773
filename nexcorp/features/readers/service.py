"""The rules of reading: who may say that they read something, and who may see its readers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.errors import CommentNotFound, PostNotFound, TaskNotFound
from nexcorp.features.readers.errors import NotAnAnnouncement, ReadersHidden
from nexcorp.security.caller import Caller

ALL_TASKS = "task:manage"
MISSING = {"post": PostNotFound, "task": TaskNotFound}


async def read_post(conn: Any, post_id: UUID, user_id: UUID) -> Any:
    """Record that a user read a post; return `{readAt}`, the time of the first call. Raises PostNotFound."""
    read_at = await sql.readers.read_post(conn, post_id=post_id, user_id=user_id)
    if read_at is None:
        raise PostNotFound()
    return {"readAt": read_at}


async def read_comments(conn: Any, caller: Caller, kind: str, thread: UUID, up_to: UUID) -> Any:
    """Move the caller's watermark in the comments of a `post` or `task` forward; return `{upTo,
    unreadCount}`.

    Raises PostNotFound or TaskNotFound.
    """
    row = await sql.readers.read_comments(
        conn, thread_type=kind, thread=thread, user_id=caller.id, sees_all=caller.may(ALL_TASKS), up_to=up_to
    )
    if row is None:
        raise MISSING[kind]()
    return row


async def get_watermark(conn: Any, caller: Caller, kind: str, thread: UUID) -> Any:
    """Return the caller's watermark in the comments of a `post` or `task`, as `{upTo, unreadCount}`.

    Raises PostNotFound or TaskNotFound.
    """
    row = await sql.readers.get_watermark(
        conn, thread_type=kind, thread=thread, user_id=caller.id, sees_all=caller.may(ALL_TASKS)
    )
    if row is None:
        raise MISSING[kind]()
    return row


async def count_readers(conn: Any, caller: Caller, post_id: UUID, *, missing: bool) -> int:
    """Return the number of a post's readers, for its author and holders of post:announce.

    Raises PostNotFound, ReadersHidden, and with `missing` NotAnAnnouncement for posts of other types, which
    are not for everybody.
    """
    row = await sql.readers.get_readership(
        conn, post_id=post_id, viewer_id=caller.id, any_author=caller.may("post:announce")
    )
    if row is None:
        raise PostNotFound()
    if not row["allowed"]:
        raise ReadersHidden()
    if missing and row["type"] != "announcement":
        raise NotAnAnnouncement()
    count: int = row["readerCount"]
    return count


async def check_comment_readers(conn: Any, caller: Caller, comment_id: UUID) -> Any:
    """Return a comment's `thread` (its post or task) and `authorId`, for its author and holders of
    post:moderate, or of task:manage for a comment on a task.

    Raises CommentNotFound, ReadersHidden.
    """
    row = await sql.readers.get_comment_readership(
        conn,
        comment_id=comment_id,
        viewer_id=caller.id,
        any_author=caller.may("post:moderate"),
        sees_all=caller.may(ALL_TASKS),
    )
    if row is None or (row["onTask"] and not caller.may("task:read")):
        raise CommentNotFound()
    if not row["allowed"]:
        holders = ALL_TASKS if row["onTask"] else "post:moderate"
        raise ReadersHidden(message=f"Only the author and holders of {holders} see who read this.")
    return row

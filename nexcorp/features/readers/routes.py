"""Readers of posts and comments over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import CommentNotFound, PostNotFound, TaskNotFound
from nexcorp.features.readers import service
from nexcorp.features.readers.errors import NotAnAnnouncement, ReadersHidden
from nexcorp.features.readers.schemas import (
    CommentReaderPage,
    PostRead,
    ReadComments,
    ReaderPage,
    ReaderQuery,
    Watermark,
)
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database, user_id
from nexcorp.web.paging import (
    FIRST_ID,
    LAST_ID,
    LAST_TIME,
    Cursor,
    Moment,
    PageQuery,
    Statement,
    reply_page,
)
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import get, put
from nexcorp.web.transactions import write

BY_LATEST: Cursor[Moment] = Cursor(
    "readers", Moment, (LAST_TIME, LAST_ID), before="readAt", before_user="_userId"
)
MISSING: Cursor[tuple[UUID]] = Cursor("missing-readers", tuple[UUID], (FIRST_ID,), after="_userId")
OF_COMMENT: Cursor[tuple[UUID]] = Cursor("comment-readers", tuple[UUID], (FIRST_ID,), after="_userId")


async def read_post(request: web.Request) -> web.Response:
    async with write(request) as tx:
        return await tx.reply(await service.read_post(tx.conn, path_id(request), user_id(request)))


async def list_readers(request: web.Request, query: dict[str, Any]) -> web.Response:
    post_id, missing = path_id(request), not query["read"]
    cursor: Cursor[Any] = MISSING if missing else BY_LATEST
    statement: Statement = sql.readers.list_missing if missing else sql.readers.list_readers
    async with database(request).connection() as conn:
        count = await service.count_readers(conn, caller(request), post_id, missing=missing)
        asked = {"post_id": post_id, "viewer_id": user_id(request)}
        rows = await cursor.fetch(request, conn, query, statement, **asked)
    return reply_page(request, rows, query["limit"], cursor, readerCount=count)


async def read_comments(request: web.Request, body: dict[str, Any]) -> web.Response:
    return await move_watermark(request, "post", body["upTo"])


async def read_task_comments(request: web.Request, body: dict[str, Any]) -> web.Response:
    return await move_watermark(request, "task", body["upTo"])


async def move_watermark(request: web.Request, kind: str, up_to: UUID) -> web.Response:
    """Move the caller's watermark in the comments of the post or task in the path."""
    async with write(request) as tx:
        row = await service.read_comments(tx.conn, caller(request), kind, path_id(request), up_to)
        return await tx.reply(row)


async def get_watermark(request: web.Request) -> web.Response:
    return await show_watermark(request, "post")


async def get_task_watermark(request: web.Request) -> web.Response:
    return await show_watermark(request, "task")


async def show_watermark(request: web.Request, kind: str) -> web.Response:
    """Return the caller's watermark in the comments of the post or task in the path."""
    async with database(request).connection() as conn:
        return reply(await service.get_watermark(conn, caller(request), kind, path_id(request)))


async def list_comment_readers(request: web.Request, query: dict[str, Any]) -> web.Response:
    comment_id = path_id(request)
    async with database(request).connection() as conn:
        comment = await service.check_comment_readers(conn, caller(request), comment_id)
        asked = {
            "comment_id": comment_id,
            "thread": comment["thread"],
            "author_id": comment["authorId"],
            "viewer_id": user_id(request),
        }
        rows = await OF_COMMENT.fetch(request, conn, query, sql.readers.list_comment_readers, **asked)
    return reply_page(request, rows, query["limit"], OF_COMMENT)


TAG = "Social"
# Permission to read something includes saying that it was read.
READ = allow("post:read")
READ_TASK = allow("task:read", whose="only for tasks that you may see")
READERS = (
    "its author, and holders of post:moderate; for comments on tasks, which need task:read, of task:manage"
)
FORWARD = (
    "Comments count as read in the order of their list, oldest first. The mark never moves back: of two "
    "devices, the one that is further decides."
)
ROUTES = [
    put(
        "/posts/{id}/read",
        read_post,
        "Mark a post as read",
        PostRead(),
        access=READ,
        errors=(PostNotFound,),
        tag=TAG,
        description="Only the first call counts. Notifications are not marked as read.",
    ),
    get(
        "/posts/{id}/readers",
        list_readers,
        "Readers of a post, latest first, or people who have not read an announcement",
        ReaderPage(),
        query=ReaderQuery(),
        access=allow("post:read", whose="the author, and holders of post:announce"),
        errors=(PostNotFound, ReadersHidden, NotAnAnnouncement),
        tag=TAG,
        description="The author counts as having read it, and is in neither list.",
    ),
    put(
        "/comments/post/{id}/read",
        read_comments,
        "Mark the comments of a post as read up to one",
        Watermark(),
        body=ReadComments(),
        access=READ,
        errors=(PostNotFound,),
        tag=TAG,
        description=FORWARD,
    ),
    put(
        "/comments/task/{id}/read",
        read_task_comments,
        "Mark the comments of a task as read up to one",
        Watermark(),
        body=ReadComments(),
        access=READ_TASK,
        errors=(TaskNotFound,),
        tag=TAG,
        description=FORWARD,
    ),
    get(
        "/comments/post/{id}/read",
        get_watermark,
        "The last comment of a post that you have read",
        Watermark(),
        access=READ,
        errors=(PostNotFound,),
        tag=TAG,
    ),
    get(
        "/comments/task/{id}/read",
        get_task_watermark,
        "The last comment of a task that you have read",
        Watermark(),
        access=READ_TASK,
        errors=(TaskNotFound,),
        tag=TAG,
    ),
    get(
        "/comments/{id}/readers",
        list_comment_readers,
        "Readers of a comment",
        CommentReaderPage,
        query=PageQuery(),
        access=allow("post:read", whose=READERS),
        errors=(CommentNotFound, ReadersHidden),
        tag=TAG,
        description="People who have marked this comment or a later one as read, ordered by id, without "
        "its author.",
    ),
]

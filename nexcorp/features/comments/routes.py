"""Comments over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.mentions import MAX_MENTIONS
from nexcorp.errors import CommentNotFound, PostNotFound, PreconditionFailed, TaskNotFound
from nexcorp.features.comments import service
from nexcorp.features.comments.errors import NotYourComment
from nexcorp.features.comments.schemas import (
    Comment,
    CommentPage,
    CommentQuery,
    CreateComment,
    TaskCommentPage,
    UpdateComment,
)
from nexcorp.realtime.node import read_place
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database, user_id
from nexcorp.web.paging import FIRST_ID, LAST_ID, Cursor, Statement, reply_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply_row
from nexcorp.web.routing import delete, get, patch, post
from nexcorp.web.transactions import transaction, write

BY_OLDEST: Cursor[tuple[UUID]] = Cursor("comments", tuple[UUID], (FIRST_ID,), after="id")
BY_NEWEST: Cursor[tuple[UUID]] = Cursor("comments-newest", tuple[UUID], (LAST_ID,), before="id")


async def create_comment(request: web.Request, body: dict[str, Any]) -> web.Response:
    on_task = "taskId" in body
    async with write(request, turn=body["taskId" if on_task else "postId"]) as tx:
        if on_task:
            row = await service.create_task_comment(tx.conn, caller(request), body)
        else:
            row = await service.create_comment(tx.conn, user_id(request), body)
        return await tx.reply(row, 201, version=row["version"])


async def list_post_comments(request: web.Request, query: dict[str, Any]) -> web.Response:
    post_id = path_id(request)
    cursor = BY_OLDEST
    statement: Statement = sql.comments.list_comments
    if query["order"] == "newest":
        cursor, statement = BY_NEWEST, sql.comments.list_newest_comments
    async with database(request).connection() as conn:
        asked: dict[str, Any] = {"post_id": post_id, "viewer_id": user_id(request)}
        place = await read_place(request, conn, f"post:{post_id}")
        rows = await cursor.fetch(request, conn, query, statement, **asked)
        if not rows and not await sql.posts.is_post_shown(conn, **asked):
            raise PostNotFound()
    return reply_page(request, rows, query["limit"], cursor, **place)


async def list_task_comments(request: web.Request, query: dict[str, Any]) -> web.Response:
    who, task_id = caller(request), path_id(request)
    cursor = BY_OLDEST
    statement: Statement = sql.comments.list_task_comments
    if query["order"] == "newest":
        cursor, statement = BY_NEWEST, sql.comments.list_newest_task_comments
    asked: dict[str, Any] = {
        "task_id": task_id,
        "viewer_id": who.id,
        "sees_all": who.may(service.ALL_TASKS),
    }
    async with database(request).connection() as conn:
        place = await read_place(request, conn, f"task:{task_id}")
        rows = await cursor.fetch(request, conn, query, statement, **asked)
        if not rows:
            await service.check_task(conn, who, task_id)
    return reply_page(request, rows, query["limit"], cursor, **place)


async def get_comment(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_comment(conn, path_id(request), caller(request)))


async def update_comment(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        row = await service.update_comment(
            tx.conn, caller(request), path_id(request), body["body"], versions, by_etag
        )
        return await tx.reply(row, version=row["version"])


async def delete_comment(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await service.delete_comment(tx.conn, caller(request), path_id(request), versions)
        return no_content()


TAG = "Social"
REMOVERS = (
    "its author, the post's author, and holders of post:moderate; on a task its author, the task's "
    "creator, and holders of task:manage"
)
ROUTES = [
    post(
        "/comments",
        create_comment,
        "Comment on a post or a task",
        Comment(),
        body=CreateComment(),
        access=allow("comment:create", whose="comments on tasks need task:read, and a task that you may see"),
        errors=(PostNotFound, TaskNotFound),
        tag=TAG,
        description="Threads have two levels: a reply to a reply becomes a reply to the top comment, "
        "which `parentId` of the answer names. Of the people mentioned in it, the first "
        f"{MAX_MENTIONS} are notified.",
    ),
    get(
        "/comments/post/{id}",
        list_post_comments,
        "The comments of a post, oldest first unless asked otherwise",
        CommentPage,
        query=CommentQuery(),
        access=allow("post:read"),
        errors=(PostNotFound,),
        tag=TAG,
    ),
    get(
        "/comments/task/{id}",
        list_task_comments,
        "The comments of a task, oldest first unless asked otherwise",
        TaskCommentPage,
        query=CommentQuery(),
        access=allow("task:read", whose="only for tasks that you may see"),
        errors=(TaskNotFound,),
        tag=TAG,
    ),
    get(
        "/comments/{id}",
        get_comment,
        "One comment",
        Comment(),
        access=allow("post:read", whose="comments on tasks need task:read, and a task that you may see"),
        errors=(CommentNotFound,),
        tag=TAG,
    ),
    patch(
        "/comments/{id}",
        update_comment,
        "Change your comment",
        Comment(),
        body=UpdateComment(),
        errors=(CommentNotFound, NotYourComment),
        access=allow("comment:create", whose="the author only"),
        tag=TAG,
    ),
    delete(
        "/comments/{id}",
        delete_comment,
        "Delete a comment",
        errors=(CommentNotFound, NotYourComment, PreconditionFailed),
        access=allow(
            "comment:create",
            whose=REMOVERS,
        ),
        tag=TAG,
        description="Replies stay: a comment with replies becomes a placeholder (`deleted`, without text "
        "and author) until its last reply is deleted.",
    ),
]

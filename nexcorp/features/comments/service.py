"""The rules of comments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context, emit
from nexcorp.delivery.effects import WAKE
from nexcorp.domain.mentions import find_mentioned, find_mentions, find_new_mentions
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import (
    CommentNotFound,
    Invalid,
    PostNotFound,
    TaskNotFound,
    on_constraint,
)
from nexcorp.features.comments.errors import NotYourComment
from nexcorp.security.caller import Caller

READ_TASKS = "task:read"
ALL_TASKS = "task:manage"


async def create_comment(conn: Any, author_id: UUID, data: dict[str, Any]) -> Any:
    """Comment on `postId`, in reply to `parentId` unless None; returns the comment. Runs one statement.

    Notifies the post's author, the parent's author, and the users mentioned who may see the post. Raises
    PostNotFound, and Invalid for a parent that is not on the post.
    """
    bad_parent = Invalid(errors={"parentId": ["Not a comment of this post."]})
    # The parent may be deleted while the statement waits for the post's lock.
    with on_constraint("comments_parent_id_fkey", bad_parent):
        comment = await sql.comments.create_comment(
            conn,
            post_id=data["postId"],
            author_id=author_id,
            parent_id=data["parentId"],
            body=data["body"],
            usernames=find_mentions(data["body"]),
            context=describe_context(),
        )
    if comment is None:
        if not await sql.posts.is_post_shown(conn, post_id=data["postId"], viewer_id=author_id):
            raise PostNotFound()
        raise bad_parent
    conn.after(WAKE)
    return comment


async def create_task_comment(conn: Any, caller: Caller, data: dict[str, Any]) -> Any:
    """Comment on the task `taskId`, as create_comment() on a post; needs task:read.

    Notifies the task's creator, assignee and watchers, the parent's author, and the users mentioned, as far
    as they see the task. Raises TaskNotFound, Invalid, PermissionRequired.
    """
    caller.require(READ_TASKS)
    bad_parent = Invalid(errors={"parentId": ["Not a comment of this task."]})
    sees_all = caller.may(ALL_TASKS)
    with on_constraint("comments_parent_id_fkey", bad_parent):
        comment = await sql.comments.create_task_comment(
            conn,
            task_id=data["taskId"],
            author_id=caller.id,
            sees_all=sees_all,
            parent_id=data["parentId"],
            body=data["body"],
            usernames=find_mentions(data["body"]),
            context=describe_context(),
        )
    if comment is None:
        await check_task(conn, caller, data["taskId"])
        raise bad_parent
    conn.after(WAKE)
    return comment


async def check_task(conn: Any, caller: Caller, task_id: UUID) -> None:
    """Raise TaskNotFound unless the caller may see the task."""
    if await sql.tasks.get_task(conn, task_id=task_id, viewer_id=caller.id, sees_all=caller.may(ALL_TASKS)):
        return
    raise TaskNotFound()


async def get_comment(conn: Any, comment_id: UUID, caller: Caller) -> Any:
    """Return a comment or placeholder whose post or task the caller may see; raises CommentNotFound."""
    comment = await sql.comments.get_comment(
        conn, comment_id=comment_id, viewer_id=caller.id, sees_all=caller.may(ALL_TASKS)
    )
    if comment is None or (comment["taskId"] is not None and not caller.may(READ_TASKS)):
        raise CommentNotFound()
    return comment


async def update_comment(
    conn: Any, caller: Caller, comment_id: UUID, body: str, versions: Versions | None, by_etag: bool
) -> Any:
    """Change the text of the caller's comment; returns the comment, which the same text does not change.

    Notifies the users whom only the new text mentions. Raises CommentNotFound, NotYourComment, and for old
    `versions` StaleVersion with the current row, or PreconditionFailed if they came as If-Match (`by_etag`).
    """
    await sql.comments.lock_comment(conn, comment_id=comment_id)
    before = await get_comment(conn, comment_id, caller)
    if before["deleted"]:
        raise CommentNotFound()
    if before["_authorId"] != caller.id:
        raise NotYourComment()
    check_version(before, versions, by_etag=by_etag)
    if before["body"] == body:
        return before
    await sql.comments.update_comment(conn, comment_id=comment_id, body=body)
    comment = await get_comment(conn, comment_id, caller)
    names = find_new_mentions(body, before["body"])
    payload = {"postId": comment["postId"], "version": comment["version"]}
    if comment["taskId"] is None:
        root = comment["postId"]
        payload["onDraft"] = comment["_onDraft"]
        mentioned_ids = await find_mentioned(conn, comment["postId"], names)
    else:
        concerned = await sql.comments.get_concerned(conn, task_id=comment["taskId"])
        root = concerned["projectId"] or comment["taskId"]
        payload["taskId"] = comment["taskId"]
        rows = await sql.comments.list_mentioned(conn, task_id=comment["taskId"], usernames=names)
        mentioned_ids = [row["id"] for row in rows]
    await emit(
        conn,
        "comment.updated",
        actor_id=caller.id,
        entity=("comment", comment_id),
        payload={**payload, "mentionedIds": mentioned_ids},
        root=root,
    )
    return comment


async def delete_comment(
    conn: Any, caller: Caller, comment_id: UUID, versions: Versions | None = None
) -> None:
    """Delete a comment. If it has replies, it becomes a placeholder, which is removed with the last reply.

    The caller must be its author, the post's author, or hold post:moderate; on a task its author, the task's
    creator, or hold task:manage. Raises CommentNotFound, NotYourComment, PreconditionFailed.
    """
    asked: dict[str, Any] = {"comment_id": comment_id, "user_id": caller.id, "versions": versions}
    on_task = await sql.comments.lock_task_of_comment(conn, comment_id=comment_id) is not None
    if on_task:
        sees_all = caller.may(ALL_TASKS)
        gone: Any = None
        if caller.may(READ_TASKS):
            gone = await sql.comments.delete_task_comment(conn, **asked, sees_all=sees_all)
    else:
        await sql.comments.lock_post_of_comment(conn, comment_id=comment_id)
        gone = await sql.comments.delete_comment(conn, **asked, any_author=caller.may("post:moderate"))
    if gone is None:
        comment = await get_comment(conn, comment_id, caller)
        if comment["deleted"]:
            raise CommentNotFound()
        check_version(comment, versions)
        of, all_ = ("task's creator", ALL_TASKS) if on_task else ("post's", "post:moderate")
        message = f"Only its author, the {of} and holders of {all_} may delete a comment."
        raise NotYourComment(message=message)
    payload: dict[str, Any] = {
        "authorId": gone["_authorId"],
        "hasReplies": gone["_answered"],
        "placeholderId": gone["_placeholderId"],
    }
    if on_task:
        names = ("taskId", "projectId", "creatorId", "assigneeId")
        payload |= {"postId": None, **{name: gone[name] for name in names}}
        root = gone["projectId"] or gone["taskId"]
    else:
        if gone["_answered"]:
            await sql.search.forget_comment(conn, comment_id=comment_id)
        payload |= {"postId": gone["postId"], "onDraft": gone["_onDraft"]}
        root = gone["postId"]
    await emit(
        conn,
        "comment.deleted",
        actor_id=caller.id,
        entity=("comment", comment_id),
        payload=payload,
        root=root,
    )

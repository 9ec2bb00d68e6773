"""The rules of comments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context, emit
from nexcorp.delivery.effects import WAKE
from nexcorp.domain.mentions import find_mentioned, find_mentions, find_new_mentions
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import CommentNotFound, Invalid, PostNotFound, on_constraint
from nexcorp.features.comments.errors import NotYourComment
from nexcorp.security.caller import Caller


async def create_comment(conn: Any, author_id: UUID, data: dict[str, Any]) -> Any:
    """Comment on `postId`, perhaps in reply to `parentId`; returns the comment. One statement.

    The post's author, the author of the comment replied to and those mentioned who may see the post are
    told. Raises NotFound without such a post, Invalid for a parent that is not on it.
    """
    bad_parent = Invalid(errors={"parentId": ["Not a comment of this post."]})
    # The statement may see a parent that is gone by the time it gets the post's lock.
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


async def get_comment(conn: Any, comment_id: UUID, viewer_id: UUID) -> Any:
    """One comment, or its placeholder, on a post that the viewer may see; raises NotFound."""
    comment = await sql.comments.get_comment(conn, comment_id=comment_id, viewer_id=viewer_id)
    if comment is None:
        raise CommentNotFound()
    return comment


async def update_comment(
    conn: Any, caller: Caller, comment_id: UUID, body: str, versions: Versions | None, by_etag: bool
) -> Any:
    """The author changes the text; returns the comment, unchanged where it says that already.

    Those whom the new text mentions, and the one before did not, are told. Raises NotFound, Forbidden, and
    for old `versions` StaleVersion with the current row, or PreconditionFailed where they came as If-Match.
    """
    await sql.comments.lock_comment(conn, comment_id=comment_id)
    before = await get_comment(conn, comment_id, caller.id)
    if before["deleted"]:
        raise CommentNotFound()
    if before["_authorId"] != caller.id:
        raise NotYourComment()
    check_version(before, versions, by_etag=by_etag)
    if before["body"] == body:
        return before
    await sql.comments.update_comment(conn, comment_id=comment_id, body=body)
    comment = await get_comment(conn, comment_id, caller.id)
    names = find_new_mentions(body, before["body"])
    payload = {
        "postId": comment["postId"],
        "version": comment["version"],
        "onDraft": comment["_onDraft"],
        "mentionedIds": await find_mentioned(conn, comment["postId"], names),
    }
    await emit(
        conn,
        "comment.updated",
        actor_id=caller.id,
        entity=("comment", comment_id),
        payload=payload,
        root=comment["postId"],
    )
    return comment


async def delete_comment(
    conn: Any, caller: Caller, comment_id: UUID, versions: Versions | None = None
) -> None:
    """Its author, the post's, and holders of post:moderate remove a comment; replies to it stay.

    With replies it becomes a placeholder, which is removed with the last of them.
    Raises NotFound, Forbidden, PreconditionFailed.
    """
    await sql.comments.lock_post_of_comment(conn, comment_id=comment_id)
    gone = await sql.comments.delete_comment(
        conn,
        comment_id=comment_id,
        user_id=caller.id,
        any_author=caller.may("post:moderate"),
        versions=versions,
    )
    if gone is None:
        comment = await get_comment(conn, comment_id, caller.id)
        if comment["deleted"]:
            raise CommentNotFound()
        check_version(comment, versions)
        message = "Only its author, the post's and holders of post:moderate may delete a comment."
        raise NotYourComment(message=message)
    if gone["_answered"]:
        await sql.search.forget_comment(conn, comment_id=comment_id)
    payload: dict[str, Any] = {
        "postId": gone["postId"],
        "authorId": gone["_authorId"],
        "onDraft": gone["_onDraft"],
        "hasReplies": gone["_answered"],
        "placeholderId": gone["_placeholderId"],
        # Workers of the release before 0028 look for it.
        "replyIds": [],
    }
    await emit(
        conn,
        "comment.deleted",
        actor_id=caller.id,
        entity=("comment", comment_id),
        payload=payload,
        root=gone["postId"],
    )

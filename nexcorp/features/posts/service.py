"""The rules of posts: who may change, move and assign one, and the events that follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import decode
from nexcorp.delivery import describe_context, emit
from nexcorp.delivery.effects import WAKE
from nexcorp.domain.attachments import Kept, finish_uploads, set_uploads
from nexcorp.domain.mentions import find_mentioned, find_mentions, find_new_mentions
from nexcorp.domain.posts import FORGET_EXPLORE, show_post, tell_of_uploads
from nexcorp.domain.projects import MANAGE, WRITERS, add_editor, require_role
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import (
    Invalid,
    NotAProject,
    PostNotFound,
    ProjectClosed,
    ProjectNotFound,
)
from nexcorp.features.posts.errors import IllegalMove, NotInterested, NotYourPost
from nexcorp.features.posts.moves import MOVES, OVER, ways_from
from nexcorp.security.caller import Caller

# By type: the name of moving it, and the permission to move everybody's.
MOVERS = {
    "project": ("move a project", "post:assign"),
    "announcement": ("move an announcement", "post:moderate"),
}
FIRST_STATUS = {"normal": None, "announcement": "published", "project": "open"}


async def create_post(conn: Any, author_id: UUID, data: dict[str, Any], kept: Sequence[Kept] = ()) -> Any:
    """Publish `{type, status?, title, body, uploadIds?, projectId?}` with the uploads of `kept`; return the
    post. Notifies mentioned people, and everybody of an announcement, but nobody of a draft. For a
    `projectId`, call check_link() first.

    Without uploads this is one statement, which needs no transaction around it.
    """
    post: Any = await sql.posts.create_post(
        conn,
        author_id=author_id,
        type=data["type"],
        status=data.get("status", FIRST_STATUS[data["type"]]),
        title=data["title"],
        body=data["body"],
        usernames=find_mentions(data["body"]),
        context=describe_context(),
        project_id=data.get("projectId"),
    )
    conn.after(WAKE)
    conn.after(FORGET_EXPLORE)
    uploads = [*(data.get("uploadIds") or ()), *(item.id for item in kept)]
    if uploads:
        await tell_of_uploads(conn, author_id, await finish_uploads(conn, kept))
        await set_uploads(conn, author_id, uploads, post_id=post["id"])
        post = await sql.posts.get_post(conn, post_id=post["id"], viewer_id=author_id)
    return post


def is_single(data: dict[str, Any], kept: Sequence[Kept]) -> bool:
    """Return whether create_post() is one statement."""
    return not kept and not data.get("uploadIds") and data.get("projectId") is None


async def check_link(conn: Any, caller: Caller, project_id: UUID) -> None:
    """Raise Invalid or NotYourProject unless the caller may write in the project that a post links to."""
    try:
        await require_role(conn, project_id, caller.id, caller.may(MANAGE), WRITERS)
    except ProjectNotFound:
        raise Invalid(errors={"projectId": ["There is no such project."]}) from None


async def emit_published(conn: Any, actor_id: UUID, post: Any) -> None:
    """Emit post.published for a draft that everybody can see now."""
    payload = {
        "authorId": post["_authorId"],
        "type": post["type"],
        "mentionedIds": await find_mentioned(conn, post["id"], find_mentions(post["body"])),
    }
    await emit(conn, "post.published", actor_id=actor_id, entity=("post", post["id"]), payload=payload)


async def get_shown(conn: Any, post_id: UUID, viewer_id: UUID) -> Any:
    """Return a post that the viewer may see; raise PostNotFound."""
    post = await sql.posts.get_post(conn, post_id=post_id, viewer_id=viewer_id)
    if post is None:
        raise PostNotFound()
    return post


def check_author(post: Any, caller: Caller, deed: str, permission: str | None = None) -> None:
    """Raise NotYourPost unless the caller is the author or holds `permission`, which covers all posts."""
    if post["_authorId"] == caller.id or (permission and caller.may(permission)):
        return
    who = f"its author and holders of {permission}" if permission else "its author"
    raise NotYourPost(message=f"Only {who} may {deed}.")


def check_announcer(caller: Caller) -> None:
    """Raise Forbidden unless the caller may announce, which can have changed since the draft."""
    caller.require("post:announce")


def find_changes(post: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `data`, a PATCH, that differ from the post."""
    is_now = {"title": post["title"], "body": post["body"], "projectId": post["_projectId"]}
    wanted = dict(data)
    if "uploadIds" in data:
        is_now["uploadIds"] = [UUID(item["id"]) for item in decode(post["uploads"])]
        wanted["uploadIds"] = data["uploadIds"] or []
    return {name: value for name, value in wanted.items() if value != is_now[name]}


async def update_post(
    conn: Any,
    caller: Caller,
    post_id: UUID,
    data: dict[str, Any],
    versions: Versions | None,
    by_etag: bool,
) -> Any:
    """Change the fields in `data`; return the post, unchanged if it has these values already.

    Notifies people whom only the new text mentions. Raises NotFound, Forbidden, Invalid, and for old
    `versions` StaleVersion with the current row, or PreconditionFailed if they came as If-Match.
    """
    await sql.posts.lock_post(conn, post_id=post_id)
    post = await get_shown(conn, post_id, caller.id)
    check_author(post, caller, "change a post")
    check_version(post, versions, by_etag=by_etag)
    changes = find_changes(post, data)
    if not changes:
        return post
    # Changing a published announcement announces again: this needs the permission, too.
    if post["type"] == "announcement" and post["status"] == "published":
        check_announcer(caller)
    if changes.get("projectId") is not None:
        if post["type"] != "project":
            raise Invalid(errors={"projectId": ["Only posts of the type project are linked with one."]})
        await check_link(conn, caller, changes["projectId"])
    await sql.posts.update_post(
        conn,
        post_id=post_id,
        set_title="title" in changes,
        title=changes.get("title"),
        body=changes.get("body"),
        set_project="projectId" in changes,
        project_id=changes.get("projectId"),
    )
    if "uploadIds" in changes:
        await set_uploads(conn, caller.id, changes["uploadIds"], post_id=post_id)
    names = find_new_mentions(changes.get("body", ""), post["body"])
    mentioned = await find_mentioned(conn, post_id, names)
    return await show_post(
        conn,
        "post.updated",
        post_id,
        caller.id,
        actor_id=caller.id,
        mentioned_ids=mentioned,
        fields=sorted(changes),
    )


async def move_post(
    conn: Any, caller: Caller, post_id: UUID, status: str, versions: Versions | None = None
) -> Any:
    """Move an announcement or a project to `status`; return the post, unchanged if it has that status
    already.

    Raises NotFound, Forbidden, PreconditionFailed, Invalid for a status that its type does not have, and
    Conflict if `status` cannot follow the current one.
    """
    await sql.posts.lock_post(conn, post_id=post_id)
    post = await get_shown(conn, post_id, caller.id)
    ways = MOVES.get(post["type"], {})
    if status not in ways:
        raise Invalid(errors={"status": [f"Is no status of a post of the type {post['type']}."]})
    check_author(post, caller, *MOVERS[post["type"]])
    check_version(post, versions)
    if status == "published":
        check_announcer(caller)
        await sql.posts.lock_stats(conn, post_id=post_id)
    move = await sql.posts.move_post(
        conn, post_id=post_id, actor_id=caller.id, status=status, from_statuses=list(ways[status])
    )
    if move is None:
        if post["status"] == status:
            return post
        raise IllegalMove(
            message=f"The status cannot change from {post['status']} to {status}.",
            errors={"status": ways_from(post["type"], post["status"])},
        )
    conn.after(FORGET_EXPLORE)
    if move["from"] == "draft":
        post = await get_shown(conn, post_id, caller.id)
        await emit_published(conn, caller.id, post)
        return post
    return await emit_moved(conn, post_id, caller.id, move["from"])


async def emit_moved(conn: Any, post_id: UUID, actor_id: UUID, before: str) -> Any:
    """Emit post.moved, for the rooms and the people concerned by a project; return the post."""
    post = await get_shown(conn, post_id, actor_id)
    payload = {"authorId": post["_authorId"], "type": post["type"], "from": before, "to": post["status"]}
    await emit(conn, "post.moved", actor_id=actor_id, entity=("post", post_id), payload=payload)
    return post


async def assign_post(
    conn: Any, caller: Caller, post_id: UUID, assignee_id: UUID | None, versions: Versions | None = None
) -> Any:
    """Assign a project to a person who is interested, or unassign it (None); return the post.

    If the post is linked with a project, the person becomes an editor there, and stays one. Raises NotFound,
    Forbidden, PreconditionFailed, and Conflict for a post that is not a project or is over, and for a person
    who is not interested.
    """
    await sql.posts.lock_post(conn, post_id=post_id)
    post = await get_shown(conn, post_id, caller.id)
    check_author(post, caller, "assign a project", "post:assign")
    check_version(post, versions)
    row = await sql.posts.assign_post(conn, post_id=post_id, assignee_id=assignee_id)
    if row is None:
        if post["type"] != "project":
            raise NotAProject(message="Only projects are assigned.")
        if post["status"] in OVER:
            raise ProjectClosed()
        raise NotInterested()
    post = await get_shown(conn, post_id, caller.id)
    if row["_previousId"] != assignee_id:
        payload = {
            "authorId": row["_authorId"],
            "assigneeId": assignee_id,
            "previousAssigneeId": row["_previousId"],
        }
        await emit(conn, "post.assigned", actor_id=caller.id, entity=("post", post_id), payload=payload)
        if assignee_id is not None and post["_projectId"] is not None:
            await add_editor(conn, post["_projectId"], assignee_id, caller.id, caller.may)
    return post


async def delete_post(conn: Any, caller: Caller, post_id: UUID, versions: Versions | None = None) -> None:
    """Delete a post with its comments, likes, interests and uploads.

    Raises NotFound, Forbidden, PreconditionFailed.
    """
    await sql.posts.lock_for_removal(conn, post_id=post_id)
    post = await get_shown(conn, post_id, caller.id)
    check_author(post, caller, "delete a post", "post:moderate")
    check_version(post, versions)
    # Detach the uploads first: deleting the post would only clear their link to it.
    await set_uploads(conn, caller.id, (), post_id=post_id)
    await sql.posts.delete_post(conn, post_id=post_id)
    # A deleted draft has an event of its own: others must not learn that it existed.
    event = "post.draft_deleted" if post["status"] == "draft" else "post.deleted"
    payload = {"authorId": post["_authorId"]}
    await emit(conn, event, actor_id=caller.id, entity=("post", post_id), payload=payload)
    conn.after(FORGET_EXPLORE)

"""The rules of posts: who may change, move and assign one, and what everybody hears of it."""

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
from nexcorp.domain.posts import show_post, tell_of_uploads
from nexcorp.domain.versions import check_version
from nexcorp.errors import Invalid, NotAProject, PermissionRequired, PostNotFound, ProjectClosed
from nexcorp.features.posts.errors import IllegalMove, NotInterested, NotYourPost
from nexcorp.features.posts.moves import MOVES, OVER, ways_from

FIRST_STATUS = {"normal": None, "announcement": "published", "project": "open"}


async def create_post(conn: Any, author_id: UUID, data: dict[str, Any], kept: Sequence[Kept] = ()) -> Any:
    """Publish `{type, status?, title, body, uploadIds?}` with these uploads and those that came along;
    returns the post. Those it mentions are told, of an announcement everybody. A draft is told to nobody.

    Without uploads it is one statement, which needs no transaction around it.
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
    )
    conn.after(WAKE)
    uploads = [*(data.get("uploadIds") or ()), *(item.id for item in kept)]
    if uploads:
        await tell_of_uploads(conn, author_id, await finish_uploads(conn, kept))
        await set_uploads(conn, post["id"], author_id, uploads)
        post = await sql.posts.get_post(conn, post_id=post["id"], viewer_id=author_id)
    return post


def is_single(data: dict[str, Any], kept: Sequence[Kept]) -> bool:
    """Whether create_post() is one statement."""
    return not kept and not data.get("uploadIds")


async def emit_published(conn: Any, actor_id: UUID, post: Any) -> None:
    """Tell of a draft that everybody can see from now on."""
    payload = {
        "authorId": post["_authorId"],
        "type": post["type"],
        "mentionedIds": await find_mentioned(conn, post["id"], find_mentions(post["body"])),
    }
    await emit(conn, "post.published", actor_id=actor_id, entity=("post", post["id"]), payload=payload)


async def get_shown(conn: Any, post_id: UUID, viewer_id: UUID) -> Any:
    """A post that the viewer may see; raises PostNotFound."""
    post = await sql.posts.get_post(conn, post_id=post_id, viewer_id=viewer_id)
    if post is None:
        raise PostNotFound()
    return post


def check_author(post: Any, user_id: UUID, *, any_author: bool, who: str) -> None:
    """Raises Forbidden where the post is somebody else's, unless this user may do it to any; `who` may."""
    if post["_authorId"] != user_id and not any_author:
        raise NotYourPost(message=f"Only {who}.")


def check_announcer(may_announce: bool) -> None:
    """Raises Forbidden where somebody may not, or not any more, announce something."""
    if not may_announce:
        raise PermissionRequired("post:announce")


def find_changes(post: Any, data: dict[str, Any]) -> dict[str, Any]:
    """What of `data`, as a PATCH sends it, is different from how the post is."""
    is_now = {"title": post["title"], "body": post["body"]}
    wanted = dict(data)
    if "uploadIds" in data:
        is_now["uploadIds"] = [UUID(item["id"]) for item in decode(post["uploads"])]
        wanted["uploadIds"] = data["uploadIds"] or []
    return {name: value for name, value in wanted.items() if value != is_now[name]}


async def update_post(
    conn: Any,
    post_id: UUID,
    user_id: UUID,
    data: dict[str, Any],
    version: int | None,
    by_etag: bool,
    *,
    may_announce: bool,
) -> Any:
    """Change the fields in `data`; returns the post, unchanged where it is like that already.

    Those whom the new text mentions, and the one before did not, are told. Raises NotFound, Forbidden, and
    for an old `version` StaleVersion with the current row, or PreconditionFailed where it came as If-Match.
    """
    await sql.posts.lock_post(conn, post_id=post_id)
    post = await get_shown(conn, post_id, user_id)
    check_author(post, user_id, any_author=False, who="its author may change a post")
    check_version(post, version, by_etag=by_etag)
    changes = find_changes(post, data)
    if not changes:
        return post
    # What everybody reads as an announcement is one, however it came to say so.
    if post["type"] == "announcement" and post["status"] == "published":
        check_announcer(may_announce)
    await sql.posts.update_post(
        conn,
        post_id=post_id,
        author_id=user_id,
        set_title="title" in changes,
        title=changes.get("title"),
        body=changes.get("body"),
    )
    if "uploadIds" in changes:
        await set_uploads(conn, post_id, user_id, changes["uploadIds"])
    names = find_new_mentions(changes.get("body", ""), post["body"])
    mentioned = await find_mentioned(conn, post_id, names)
    return await show_post(
        conn,
        "post.updated",
        post_id,
        user_id,
        actor_id=user_id,
        mentioned_ids=mentioned,
        fields=sorted(changes),
    )


async def move_post(
    conn: Any,
    post_id: UUID,
    user_id: UUID,
    status: str,
    version: int | None = None,
    *,
    any_project: bool,
    any_announcement: bool,
    may_announce: bool,
) -> Any:
    """Move an announcement or a project to `status`; returns the post, unchanged where it stands there.

    `any_project`, `any_announcement`: whether this user may move those of others; `may_announce`: whether
    they may publish an announcement, again as well. Raises NotFound, Forbidden, PreconditionFailed and,
    where there is no way from the current status, Conflict.
    """
    await sql.posts.lock_post(conn, post_id=post_id)
    post = await get_shown(conn, post_id, user_id)
    ways = MOVES.get(post["type"], {})
    if status not in ways:
        raise Invalid(errors={"status": [f"Is no status of a post of the type {post['type']}."]})
    any_author, who = {
        "project": (any_project, "its author and holders of post:assign may move a project"),
        "announcement": (
            any_announcement,
            "its author and holders of post:moderate may move an announcement",
        ),
    }[post["type"]]
    check_author(post, user_id, any_author=any_author, who=who)
    check_version(post, version)
    if status == "published":
        check_announcer(may_announce)
    move = await sql.posts.move_post(
        conn,
        post_id=post_id,
        actor_id=user_id,
        any_author=any_author,
        status=status,
        from_statuses=list(ways[status]),
    )
    if move is None:
        if post["status"] == status:
            return post
        raise IllegalMove(
            message=f"There is no way from {post['status']} to {status}.",
            errors={"status": ways_from(post["type"], post["status"])},
        )
    if move["from"] == "draft":
        post = await get_shown(conn, post_id, user_id)
        await emit_published(conn, user_id, post)
        return post
    return await emit_moved(conn, post_id, user_id, move["from"])


async def emit_moved(conn: Any, post_id: UUID, user_id: UUID, before: str) -> Any:
    """Tell the rooms and, of a project, those concerned; returns the post."""
    post = await get_shown(conn, post_id, user_id)
    payload = {"authorId": post["_authorId"], "type": post["type"], "from": before, "to": post["status"]}
    await emit(conn, "post.moved", actor_id=user_id, entity=("post", post_id), payload=payload)
    return post


async def assign_post(
    conn: Any,
    post_id: UUID,
    user_id: UUID,
    assignee_id: UUID | None,
    version: int | None = None,
    *,
    any_author: bool,
) -> Any:
    """Give a project to one of those interested, or take it back (None); returns the post.

    Raises NotFound, Forbidden, PreconditionFailed, and Conflict for what is no project or over, and for who
    is not interested.
    """
    await sql.posts.lock_post(conn, post_id=post_id)
    post = await get_shown(conn, post_id, user_id)
    who = "its author and holders of post:assign may assign a project"
    check_author(post, user_id, any_author=any_author, who=who)
    check_version(post, version)
    row = await sql.posts.assign_post(
        conn, post_id=post_id, actor_id=user_id, any_author=any_author, assignee_id=assignee_id
    )
    if row is None:
        if post["type"] != "project":
            raise NotAProject(message="Only projects are assigned.")
        if post["status"] in OVER:
            raise ProjectClosed()
        raise NotInterested()
    post = await get_shown(conn, post_id, user_id)
    if row["_previousId"] != assignee_id:
        payload = {
            "authorId": row["_authorId"],
            "assigneeId": assignee_id,
            "previousAssigneeId": row["_previousId"],
        }
        await emit(conn, "post.assigned", actor_id=user_id, entity=("post", post_id), payload=payload)
    return post


async def delete_post(
    conn: Any, post_id: UUID, user_id: UUID, version: int | None = None, *, any_author: bool
) -> None:
    """Remove a post with its comments, likes, interests and uploads; with `any_author` one of others as well.

    Raises NotFound, Forbidden, PreconditionFailed.
    """
    await sql.posts.lock_for_removal(conn, post_id=post_id, user_id=user_id, any_author=any_author)
    post = await get_shown(conn, post_id, user_id)
    who = "its author and holders of post:moderate may delete a post"
    check_author(post, user_id, any_author=any_author, who=who)
    check_version(post, version)
    # While they are its own: with the post, this goes from them.
    await set_uploads(conn, post_id, user_id, ())
    gone = await sql.posts.delete_post(conn, post_id=post_id, user_id=user_id, any_author=any_author)
    if gone is None:
        raise PostNotFound()
    # Not even that there was a draft is for others to know.
    event = "post.draft_deleted" if gone["status"] == "draft" else "post.deleted"
    payload = {"authorId": gone["_authorId"]}
    await emit(conn, event, actor_id=user_id, entity=("post", post_id), payload=payload)

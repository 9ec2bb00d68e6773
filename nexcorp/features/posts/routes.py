"""Posts over REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.attachments import MAX_POST_FILES, Kept, TooManyUploads, keep_files
from nexcorp.domain.mentions import MAX_MENTIONS
from nexcorp.domain.searching import searching
from nexcorp.domain.shapes import Post, PostPage, live_page_of
from nexcorp.errors import (
    Invalid,
    NotAProject,
    NotYourProject,
    PostNotFound,
    PreconditionFailed,
    ProjectClosed,
    UserNotFound,
)
from nexcorp.features.posts import service
from nexcorp.features.posts.errors import IllegalMove, NotInterested, NotYourPost
from nexcorp.features.posts.moves import MOVES, describe_moves
from nexcorp.features.posts.schemas import (
    UNLISTED,
    AssignPost,
    CreatePost,
    MovePage,
    MovePost,
    PostQuery,
    UpdatePost,
)
from nexcorp.integrations.storage import limit_of
from nexcorp.realtime.node import read_place
from nexcorp.security.access import allow
from nexcorp.security.app_keys import CONTEXT, caller, database, user_id
from nexcorp.security.authentication import require
from nexcorp.web.forms import File, Form
from nexcorp.web.paging import FIRST_ID, LAST_ID, Cursor, PageQuery, Statement, reply_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply_row
from nexcorp.web.routing import API_PREFIX, delete, get, patch, post, put
from nexcorp.web.storage import STORAGE
from nexcorp.web.transactions import persist, replay_answered, transaction, write

BY_TYPE: dict[str | None, Statement] = {
    None: sql.posts.list_posts,
    "normal": sql.posts.list_normal_posts,
    "announcement": sql.posts.list_announcements,
    "project": sql.posts.list_projects,
}
BY_NEWEST: Cursor[tuple[UUID]] = Cursor("posts", tuple[UUID], (LAST_ID,), before="_position")
UNLISTED_NEWEST: Cursor[tuple[UUID]] = Cursor("unlisted", tuple[UUID], (LAST_ID,), before="id")
MOVES_OLDEST: Cursor[tuple[UUID]] = Cursor("moves", tuple[UUID], (FIRST_ID,), after="id")


async def create_post(request: web.Request, body: dict[str, Any], files: Sequence[File] = ()) -> web.Response:
    if body["type"] == "announcement":
        require(request, "post:announce")
    if files:
        require(request, "upload:create")
        if len(files) + len(body.get("uploadIds") or ()) > MAX_POST_FILES:
            raise Invalid(errors={"file": [f"At most {MAX_POST_FILES} with those of uploadIds."]})
        await replay_answered(request)
        me = user_id(request)
        async with keep_files(request.app[STORAGE], database(request), me, files) as kept:
            # The files are in the store by now.
            return await persist(request, lambda: publish(request, body, kept))
    return await publish(request, body, ())


async def publish(request: web.Request, body: dict[str, Any], kept: Sequence[Kept]) -> web.Response:
    """Create a post with the files of the request."""
    unit = write if service.is_single(body, kept) else transaction
    async with unit(request) as tx:
        if body["projectId"] is not None:
            await service.check_link(tx.conn, caller(request), body["projectId"])
        row = await service.create_post(tx.conn, user_id(request), body, kept)
        location = f"{API_PREFIX}/posts/{row['id']}"
        return await tx.reply(row, 201, location=location, version=row["version"])


async def get_post(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        row = await sql.posts.get_post(conn, post_id=path_id(request), viewer_id=user_id(request))
    if row is None:
        raise PostNotFound()
    return reply_row(request, row)


async def list_posts(request: web.Request, query: dict[str, Any]) -> web.Response:
    """Choose the statement by the filters: each combination has its own, so that it can use an index."""
    author, kind, status = (query.get(name) for name in ("author", "type", "status"))
    if status in UNLISTED:
        if author not in (None, user_id(request)) or kind not in (None, "announcement"):
            return reply_nothing(request, query, UNLISTED_NEWEST)
        return await reply_own_unlisted(request, query, status)
    if "q" in query:
        return await reply_matching(request, query)
    if author is not None:
        return await reply_author_posts(request, query, author, kind, status)
    statement = BY_TYPE[kind]
    more: dict[str, Any] = {}
    if status is not None:
        if kind is not None and status not in MOVES.get(kind, {}):
            return reply_nothing(request, query, BY_NEWEST)
        statement, more = sql.posts.list_posts_by_status, {"status": status}
    async with database(request).connection() as conn:
        rows = await BY_NEWEST.fetch(request, conn, query, statement, viewer_id=user_id(request), **more)
    return reply_page(request, rows, query["limit"], BY_NEWEST)


async def reply_matching(request: web.Request, query: dict[str, Any]) -> web.Response:
    """Return a page of posts with these words, the newest first."""
    request[CONTEXT].heavy = True
    statement: Statement = sql.posts.list_posts_matching
    wanted = {name: query.get(name) for name in ("type", "status")}
    wanted.update(viewer_id=user_id(request), text=query["q"])
    if "author" in query:
        statement = sql.posts.list_author_posts_matching
        wanted["author_id"] = query["author"]
    async with searching(database(request)) as conn:
        rows = await BY_NEWEST.fetch(request, conn, query, statement, **wanted)
    return reply_page(request, rows, query["limit"], BY_NEWEST)


def reply_nothing(request: web.Request, query: dict[str, Any], cursor: Cursor[tuple[UUID]]) -> web.Response:
    """Return an empty page, for filters that match no post; raise Invalid for a cursor of another list."""
    cursor.read(request, query)
    return reply_page(request, [], query["limit"], cursor)


async def reply_own_unlisted(request: web.Request, query: dict[str, Any], status: str) -> web.Response:
    """Return a page of the caller's own drafts or archived announcements, the last written first.

    No list that others see contains them.
    """
    asked = {"author_id": user_id(request), "status": status}
    async with database(request).connection() as conn:
        rows = await UNLISTED_NEWEST.fetch(request, conn, query, sql.posts.list_own_unlisted, **asked)
    return reply_page(request, rows, query["limit"], UNLISTED_NEWEST)


async def list_user_posts(request: web.Request, query: dict[str, Any]) -> web.Response:
    author = path_id(request)
    async with database(request).connection() as conn:
        if not await sql.follows.user_exists(conn, user_id=author):
            raise UserNotFound()
        place = await read_place(request, conn, f"profile:{author}")
    return await reply_author_posts(request, query, author, **place)


async def reply_author_posts(
    request: web.Request,
    query: dict[str, Any],
    author: UUID,
    kind: str | None = None,
    status: str | None = None,
    **place: Any,
) -> web.Response:
    """Return a page of one author's posts, with `place` beside it."""
    statement: Statement = sql.posts.list_author_posts
    more: dict[str, Any] = {"viewer_id": user_id(request), "author_id": author}
    if kind is not None or status is not None:
        statement = sql.posts.list_author_posts_of
        more.update(type=kind, status=status)
    async with database(request).connection() as conn:
        rows = await BY_NEWEST.fetch(request, conn, query, statement, **more)
    return reply_page(request, rows, query["limit"], BY_NEWEST, **place)


async def update_post(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        row = await service.update_post(tx.conn, caller(request), path_id(request), body, versions, by_etag)
        return await tx.reply(row, version=row["version"])


async def delete_post(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await service.delete_post(tx.conn, caller(request), path_id(request), versions)
    return no_content()


async def move_post(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        row = await service.move_post(tx.conn, caller(request), path_id(request), body["status"], versions)
        return await tx.reply(row, version=row["version"])


async def list_moves(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        post = await service.get_shown(conn, path_id(request), user_id(request))
        rows = await MOVES_OLDEST.fetch(request, conn, query, sql.posts.list_moves, post_id=post["id"])
    return reply_page(request, rows, query["limit"], MOVES_OLDEST)


async def assign_post(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        row = await service.assign_post(tx.conn, caller(request), path_id(request), body["userId"], versions)
        return await tx.reply(row, version=row["version"])


TAG = "Social"
READ = allow("post:read")
WRITE = allow("post:create")
CHANGE = allow("post:create", whose="the author only")
MOVE = allow(
    "post:create",
    whose="the author; for projects also holders of post:assign, for announcements of post:moderate",
)
REMOVE = allow("post:create", whose="the author, and holders of post:moderate")
ASSIGN = allow("post:create", whose="the author, and holders of post:assign")
OWN = (PostNotFound, NotYourPost, PreconditionFailed)
ROUTES = [
    post(
        "/posts",
        create_post,
        "Publish a post",
        Post(),
        body=CreatePost(),
        form=Form(most_files=MAX_POST_FILES, limit=limit_of, optional=True),
        errors=(TooManyUploads, NotYourProject),
        access=WRITE,
        tag=TAG,
        description="Send JSON, or a form with the same fields, with `uploadIds` once for each upload, "
        "and up to ten parts `file`, which come behind those. Files need `upload:create`. Of the "
        f"people mentioned in it, the first {MAX_MENTIONS} are notified.",
    ),
    get(
        "/posts",
        list_posts,
        "The newest posts",
        PostPage,
        query=PostQuery(),
        access=READ,
        stale=True,
        tag=TAG,
    ),
    get("/posts/{id}", get_post, "One post", Post(), errors=(PostNotFound,), access=READ, tag=TAG),
    patch(
        "/posts/{id}",
        update_post,
        "Change your post",
        Post(),
        body=UpdatePost(),
        errors=(*OWN, NotYourProject),
        access=CHANGE,
        tag=TAG,
    ),
    put(
        "/posts/{id}/status",
        move_post,
        "Move an announcement or a project",
        Post(),
        body=MovePost(),
        errors=(*OWN, IllegalMove),
        access=MOVE,
        tag=TAG,
        description=describe_moves(),
    ),
    get(
        "/posts/{id}/status-log",
        list_moves,
        "Status changes, oldest first",
        MovePage,
        query=PageQuery(),
        errors=(PostNotFound,),
        access=READ,
        stale=True,
        tag=TAG,
    ),
    put(
        "/posts/{id}/assignee",
        assign_post,
        "Assign a project to an interested person",
        Post(),
        body=AssignPost(),
        errors=(*OWN, NotAProject, NotInterested, ProjectClosed, NotYourProject),
        access=ASSIGN,
        tag=TAG,
        description="If the post is linked to a project, the person becomes an editor there; for this an "
        "API key needs `project:create`, too.",
    ),
    delete("/posts/{id}", delete_post, "Delete a post", errors=OWN, access=REMOVE, tag=TAG),
    get(
        "/users/{id}/posts",
        list_user_posts,
        "The newest posts of one person",
        live_page_of(Post, "profile:{id}"),
        query=PageQuery(),
        errors=(UserNotFound,),
        access=READ,
        tag=TAG,
    ),
]

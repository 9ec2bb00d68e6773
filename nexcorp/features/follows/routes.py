"""Following over REST."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.features.follows import service
from nexcorp.features.follows.schemas import FollowState
from nexcorp.web.idempotency import transaction
from nexcorp.web.keys import database, user_id
from nexcorp.web.paging import Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import delete, get, put
from nexcorp.web.shapes import PersonSincePage

Position = tuple[datetime, UUID]
Statement = Callable[..., Awaitable[list[Any]]]

FOLLOWERS: Cursor[Position] = Cursor("followers", Position, ["createdAt", "_userId"])
FOLLOWING: Cursor[Position] = Cursor("following", Position, ["createdAt", "_userId"])


async def follow_user(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        return await tx.reply(await service.follow_user(tx.conn, user_id(request), path_id(request)))


async def unfollow_user(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        return await tx.reply(await service.unfollow_user(tx.conn, user_id(request), path_id(request)))


async def list_people(
    request: web.Request,
    query: dict[str, Any],
    cursor: Cursor[Position],
    first: Statement,
    following: Statement,
) -> web.Response:
    """A page of people; `first` and `following` are the statements of the first and of further pages."""
    person, most = path_id(request), query["limit"] + 1
    async with database(request).connection() as conn:
        if "cursor" in query:
            before, user = cursor.decode(request, query["cursor"])
            rows = await following(conn, user_id=person, before=before, before_user=user, most=most)
        else:
            rows = await first(conn, user_id=person, most=most)
        if not rows and not await sql.follows.user_exists(conn, user_id=person):
            raise service.MISSING
    return reply_page(request, rows, query["limit"], cursor)


async def list_followers(request: web.Request, query: dict[str, Any]) -> web.Response:
    statements = sql.follows.list_followers_first, sql.follows.list_followers_next
    return await list_people(request, query, FOLLOWERS, *statements)


async def list_following(request: web.Request, query: dict[str, Any]) -> web.Response:
    statements = sql.follows.list_following_first, sql.follows.list_following_next
    return await list_people(request, query, FOLLOWING, *statements)


TAG = "Social"
ROUTES = [
    put("/users/{id}/follow", follow_user, "Follow somebody", FollowState(), errors=(404,), tag=TAG),
    delete("/users/{id}/follow", unfollow_user, "Stop following", FollowState(), 200, errors=(404,), tag=TAG),
    get(
        "/users/{id}/followers",
        list_followers,
        "Who follows somebody",
        PersonSincePage,
        query=PageQuery(),
        errors=(404,),
        tag=TAG,
    ),
    get(
        "/users/{id}/following",
        list_following,
        "Whom somebody follows",
        PersonSincePage,
        query=PageQuery(),
        errors=(404,),
        tag=TAG,
    ),
]

"""Following over REST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.shapes import PersonSincePage
from nexcorp.errors import UserNotFound
from nexcorp.features.follows import service
from nexcorp.features.follows.errors import CannotFollowSelf
from nexcorp.features.follows.schemas import FollowState
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.paging import Cursor, Moment, PageQuery, Statement, by_latest_person, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import delete, get, put
from nexcorp.web.transactions import write

FOLLOWERS = by_latest_person("followers")
FOLLOWING = by_latest_person("following")


async def follow_user(request: web.Request) -> web.Response:
    async with write(request) as tx:
        return await tx.reply(await service.follow_user(tx.conn, user_id(request), path_id(request)))


async def unfollow_user(request: web.Request) -> web.Response:
    async with write(request) as tx:
        return await tx.reply(await service.unfollow_user(tx.conn, user_id(request), path_id(request)))


async def list_people(
    request: web.Request, query: dict[str, Any], cursor: Cursor[Moment], statement: Statement
) -> web.Response:
    """Return a page of the people that `statement` lists."""
    person = path_id(request)
    async with database(request).connection() as conn:
        rows = await cursor.fetch(request, conn, query, statement, viewer_id=user_id(request), user_id=person)
        if not rows and not await sql.follows.user_exists(conn, user_id=person):
            raise UserNotFound()
    return reply_page(request, rows, query["limit"], cursor)


async def list_followers(request: web.Request, query: dict[str, Any]) -> web.Response:
    return await list_people(request, query, FOLLOWERS, sql.follows.list_followers)


async def list_following(request: web.Request, query: dict[str, Any]) -> web.Response:
    return await list_people(request, query, FOLLOWING, sql.follows.list_following)


TAG = "Social"
FOLLOW = allow("user:follow")
ROUTES = [
    put(
        "/users/{id}/follow",
        follow_user,
        "Follow a person",
        FollowState(),
        errors=(UserNotFound, CannotFollowSelf),
        access=FOLLOW,
        tag=TAG,
    ),
    delete(
        "/users/{id}/follow",
        unfollow_user,
        "Stop following a person",
        FollowState(),
        200,
        errors=(UserNotFound,),
        access=FOLLOW,
        tag=TAG,
    ),
    get(
        "/users/{id}/followers",
        list_followers,
        "Followers of a person",
        PersonSincePage,
        query=PageQuery(),
        access=allow("user:read"),
        errors=(UserNotFound,),
        stale=True,
        tag=TAG,
    ),
    get(
        "/users/{id}/following",
        list_following,
        "People whom a person follows",
        PersonSincePage,
        query=PageQuery(),
        access=allow("user:read"),
        errors=(UserNotFound,),
        stale=True,
        tag=TAG,
    ),
]

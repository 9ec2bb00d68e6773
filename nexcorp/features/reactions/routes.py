"""Likes and interests over REST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import NotAProject, PostNotFound, ProjectClosed
from nexcorp.features.reactions import service
from nexcorp.features.reactions.errors import Assigned, OwnProject
from nexcorp.features.reactions.schemas import InterestState, LikeState, ReactionPage
from nexcorp.realtime.node import read_place
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.paging import Cursor, Moment, PageQuery, Statement, by_latest_person, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import delete, get, put
from nexcorp.web.transactions import write

LIKES = by_latest_person("likes")
INTERESTS = by_latest_person("interests")


async def like_post(request: web.Request) -> web.Response:
    post_id = path_id(request)
    async with write(request, turn=post_id) as tx:
        return await tx.reply(await service.like_post(tx.conn, post_id, user_id(request)))


async def unlike_post(request: web.Request) -> web.Response:
    post_id = path_id(request)
    async with write(request, turn=post_id) as tx:
        return await tx.reply(await service.unlike_post(tx.conn, post_id, user_id(request)))


async def list_people(
    request: web.Request, query: dict[str, Any], cursor: Cursor[Moment], statement: Statement
) -> web.Response:
    """Return a page of the people that `statement` lists."""
    post_id = path_id(request)
    async with database(request).connection() as conn:
        asked = {"post_id": post_id, "viewer_id": user_id(request)}
        place = await read_place(request, conn, f"post:{post_id}")
        rows = await cursor.fetch(request, conn, query, statement, **asked)
        if not await sql.posts.is_post_shown(conn, **asked):
            raise PostNotFound()
    return reply_page(request, rows, query["limit"], cursor, **place)


async def list_likes(request: web.Request, query: dict[str, Any]) -> web.Response:
    return await list_people(request, query, LIKES, sql.reactions.list_likes)


async def list_interests(request: web.Request, query: dict[str, Any]) -> web.Response:
    return await list_people(request, query, INTERESTS, sql.reactions.list_interests)


async def add_interest(request: web.Request) -> web.Response:
    post_id = path_id(request)
    async with write(request, turn=post_id) as tx:
        return await tx.reply(await service.add_interest(tx.conn, post_id, user_id(request)))


async def remove_interest(request: web.Request) -> web.Response:
    post_id = path_id(request)
    async with write(request, turn=post_id) as tx:
        return await tx.reply(await service.remove_interest(tx.conn, post_id, user_id(request)))


TAG = "Social"
INTEREST = allow("post:like")
LIKE = allow("post:like")
ROUTES = [
    put(
        "/posts/{id}/like",
        like_post,
        "Like a post",
        LikeState(),
        errors=(PostNotFound,),
        access=LIKE,
        tag=TAG,
    ),
    delete(
        "/posts/{id}/like",
        unlike_post,
        "Remove your like",
        LikeState(),
        200,
        errors=(PostNotFound,),
        access=LIKE,
        tag=TAG,
    ),
    get(
        "/posts/{id}/likes",
        list_likes,
        "People who like a post",
        ReactionPage,
        query=PageQuery(),
        access=allow("post:read"),
        errors=(PostNotFound,),
        tag=TAG,
    ),
    put(
        "/posts/{id}/interest",
        add_interest,
        "Show interest in a project",
        InterestState(),
        errors=(PostNotFound, NotAProject, OwnProject, ProjectClosed),
        access=INTEREST,
        tag=TAG,
    ),
    delete(
        "/posts/{id}/interest",
        remove_interest,
        "Withdraw your interest in a project",
        InterestState(),
        200,
        errors=(PostNotFound, Assigned),
        access=INTEREST,
        tag=TAG,
    ),
    get(
        "/posts/{id}/interests",
        list_interests,
        "People who are interested in a project",
        ReactionPage,
        query=PageQuery(),
        errors=(PostNotFound,),
        access=allow("post:read"),
        tag=TAG,
    ),
]

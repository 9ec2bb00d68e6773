"""Likes over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import NotFound
from nexcorp.features.reactions import service
from nexcorp.features.reactions.schemas import LikeState
from nexcorp.web.access import allow
from nexcorp.web.idempotency import transaction
from nexcorp.web.keys import database, user_id
from nexcorp.web.paging import Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import delete, get, put
from nexcorp.web.shapes import PersonSincePage

BY_NEWEST: Cursor[tuple[datetime, UUID]] = Cursor(
    "likes", tuple[datetime, UUID], before="createdAt", before_user="_userId"
)


async def like_post(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        return await tx.reply(await service.like_post(tx.conn, path_id(request), user_id(request)))


async def unlike_post(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        return await tx.reply(await service.unlike_post(tx.conn, path_id(request), user_id(request)))


async def list_likes(request: web.Request, query: dict[str, Any]) -> web.Response:
    post_id = path_id(request)
    statements = sql.reactions.list_likes_first, sql.reactions.list_likes_next
    async with database(request).connection() as conn:
        rows = await BY_NEWEST.fetch(request, conn, query, *statements, post_id=post_id)
        if not rows and await sql.posts.get_post_author(conn, post_id=post_id) is None:
            raise NotFound("post_not_found", "There is no such post.")
    return reply_page(request, rows, query["limit"], BY_NEWEST)


TAG = "Social"
LIKE = allow("post:like")
ROUTES = [
    put("/posts/{id}/like", like_post, "Like a post", LikeState(), errors=(404,), access=LIKE, tag=TAG),
    delete(
        "/posts/{id}/like",
        unlike_post,
        "Take a like back",
        LikeState(),
        200,
        errors=(404,),
        access=LIKE,
        tag=TAG,
    ),
    get(
        "/posts/{id}/likes",
        list_likes,
        "Who likes a post",
        PersonSincePage,
        query=PageQuery(),
        access=allow("post:read"),
        errors=(404,),
        tag=TAG,
    ),
]

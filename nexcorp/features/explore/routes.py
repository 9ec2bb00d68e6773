"""Explore over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.web.access import allow
from nexcorp.web.keys import database, user_id
from nexcorp.web.paging import Cursor, PageQuery, reply_page
from nexcorp.web.routing import get
from nexcorp.web.shapes import PostPage

EXPLORE: Cursor[tuple[float, UUID]] = Cursor("explore", tuple[float, UUID], before="_score", before_id="id")


async def list_explore(request: web.Request, query: dict[str, Any]) -> web.Response:
    statements = sql.explore.list_first, sql.explore.list_next
    async with database(request).connection() as conn:
        rows = await EXPLORE.fetch(request, conn, query, *statements, viewer_id=user_id(request))
    return reply_page(request, rows, query["limit"], EXPLORE)


ROUTES = [
    get(
        "/explore",
        list_explore,
        "Posts by recent engagement",
        PostPage,
        query=PageQuery(),
        access=allow("post:read"),
        tag="Social",
        description=(
            "A like counts 1, a comment 2, an interest 3, each half as much a day later. A post that finds "
            "attention between two pages moves up: it is not shown twice, and may be passed over."
        ),
    )
]

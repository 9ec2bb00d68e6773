"""Explore over REST."""

from __future__ import annotations

import math
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import decode, encode, row_to_dict
from nexcorp.domain.shapes import PostPage
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.cache import CACHE
from nexcorp.web.paging import LAST_ID, Cursor, PageQuery, cut_page, reply_page
from nexcorp.web.replies import reply
from nexcorp.web.routing import get

EXPLORE: Cursor[tuple[float, UUID]] = Cursor(
    "explore", tuple[float, UUID], (math.inf, LAST_ID), before="_score", before_id="id"
)
KEEP_SECONDS = 2


async def list_explore(request: web.Request, query: dict[str, Any]) -> web.Response:
    """List posts by engagement; the first page comes from the cache, in an order up to KEEP_SECONDS old."""
    if "cursor" not in query:
        kept = await read_kept(request, query["limit"])
        if kept is not None:
            return reply(kept)
    async with database(request).connection() as conn:
        rows = await EXPLORE.fetch(request, conn, query, sql.explore.list_posts, viewer_id=user_id(request))
    return reply_page(request, rows, query["limit"], EXPLORE)


async def read_kept(request: web.Request, limit: int) -> dict[str, Any] | None:
    """Return the cached first page with live members refreshed; None if a post of it changed or is gone."""

    async def make() -> bytes:
        async with database(request).connection() as conn:
            rows = await sql.explore.list_shared(conn, most=limit + 1)
        page, cursor = cut_page(request, rows, limit, EXPLORE)
        return encode({"data": page, "nextCursor": cursor})

    kept: dict[str, Any] = decode(await request.app[CACHE].load("explore", str(limit), KEEP_SECONDS, make))
    ids = [UUID(post["id"]) for post in kept["data"]]
    async with database(request).connection() as conn:
        rows = await sql.explore.list_live(conn, viewer_id=user_id(request), post_ids=ids)
    live = {str(row["_id"]): row for row in rows}
    for post in kept["data"]:
        row = live.get(post["id"])
        if row is None or row["version"] != post["version"]:
            return None
        post.update(row_to_dict(row))
    return kept


ROUTES = [
    get(
        "/explore",
        list_explore,
        "Posts by recent engagement",
        PostPage,
        query=PageQuery(),
        access=allow("post:read"),
        stale=True,
        tag="Social",
        description=(
            "A like counts 1, a comment 2, an interest 3, each half as much a day later. A post that "
            "gains attention between two pages moves up: it is not shown twice, and may be missing. The "
            "order of the first page may be two seconds old; the posts themselves are current, except "
            "for new thumbnails."
        ),
    )
]

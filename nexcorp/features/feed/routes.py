"""The feed over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.shapes import Post, live_page_of
from nexcorp.realtime.node import read_place
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.paging import LAST_ID, Cursor, PageQuery, reply_page
from nexcorp.web.routing import get

FeedPage = live_page_of(Post, "feed")
FEED: Cursor[tuple[UUID]] = Cursor("feed", tuple[UUID], (LAST_ID,), before="_position")


async def list_feed(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        place = await read_place(request, conn, "feed")
        rows = await FEED.fetch(request, conn, query, sql.feed.list_feed, viewer_id=user_id(request))
    return reply_page(request, rows, query["limit"], FEED, **place)


ROUTES = [
    get(
        "/feed",
        list_feed,
        "Posts by you and the people you follow, newest first",
        FeedPage,
        query=PageQuery(),
        access=allow("post:read"),
        statement_seconds=3.0,
        tag="Social",
        description="The room `feed` sends new posts live. Its frames have no numbers, so `seq` is "
        "always 0: fetch the list after you have subscribed, and again after every reconnect.",
    )
]

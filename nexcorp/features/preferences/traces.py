"""Notifications that were held back, and traces, over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import show_time
from nexcorp.delivery.notices import Sentences
from nexcorp.errors import NotificationNotFound
from nexcorp.features.preferences.schemas import HeldNotification, HeldPage, Trace
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.app_keys import SENTENCES
from nexcorp.web.paging import LAST_ID, Cursor, PageQuery, cut_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import get

BY_NEWEST: Cursor[tuple[UUID]] = Cursor("held", tuple[UUID], (LAST_ID,), before="id")
SHOWN = HeldNotification().fields.keys() - {"reason", "heldAt"}


def show_held(row: Any, sentences: Sentences) -> dict[str, Any]:
    """Return a row of the view held_lines; it has no state (read, seen) and no group."""
    shown = sentences.show(row)
    return {
        **{name: shown[name] for name in shown if name in SHOWN},
        "reason": row["reason"],
        "heldAt": show_time(row["heldAt"]),
    }


async def list_held(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        rows = await BY_NEWEST.fetch(
            request, conn, query, sql.preferences.list_held, user_id=user_id(request)
        )
    page, next_cursor = cut_page(request, rows, query["limit"], BY_NEWEST)
    sentences = request.app[SENTENCES]
    return reply({"data": [show_held(row, sentences) for row in page], "nextCursor": next_cursor})


async def get_trace(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        rows = await sql.preferences.trace(conn, user_id=user_id(request), notification_id=path_id(request))
    if not rows:
        raise NotificationNotFound()
    return reply({"data": rows})


TAG = "Notifications"
READ = allow("notification:read", whose="your own only")
ROUTES = [
    get(
        "/notifications/held",
        list_held,
        "Notifications that were held back, with the reasons",
        HeldPage,
        query=PageQuery(),
        access=READ,
        tag=TAG,
        description="Notifications that a mute or a preference held back, newest first, kept for 14 "
        "days. They do not count as unread.",
    ),
    get(
        "/notifications/{id}/trace",
        get_trace,
        "Trace of a notification: why you got it, its channels and its delivery",
        Trace(),
        access=READ,
        errors=(NotificationNotFound,),
        tag=TAG,
        description="Held notifications have a trace, too. Later changes of settings do not change it.",
    ),
]

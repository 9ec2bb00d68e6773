"""Routes of the overview, its history, and dead letters."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery.effects import WAKE
from nexcorp.features.overview.errors import DeadLetterNotFound
from nexcorp.features.overview.live import read_overview
from nexcorp.features.overview.schemas import RANGES, DeadLetters, HistoryQuery, Overview, OverviewHistory
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database
from nexcorp.web.replies import reply
from nexcorp.web.routing import get, post
from nexcorp.web.transactions import transaction

TAG = "Admin"
READ = allow("audit:read")
MOST_LETTERS = 100
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


async def show_overview(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply(await read_overview(conn))


async def show_history(request: web.Request, query: dict[str, Any]) -> web.Response:
    step, steps = RANGES[query["range"]]
    async with database(request).connection() as conn:
        rows = await sql.overview.list_points(conn, step=step, steps=steps)
    points = [row_to_dict(row) for row in reversed(rows)]
    return reply({"range": query["range"], "step": step, "data": points})


async def list_letters(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        rows = await sql.events.list_failing(conn, most=MOST_LETTERS)
    return reply({"data": [row_to_dict(row) for row in rows]})


async def retry_letter(request: web.Request) -> web.Response:
    text = request.match_info["id"]
    if NUMBER.fullmatch(text) is None:
        raise DeadLetterNotFound()
    async with transaction(request) as tx:
        if not await sql.events.revive_dead(tx.conn, ids=[int(text)]):
            raise DeadLetterNotFound()
        tx.conn.after(WAKE)
        return await tx.reply(None, 204)


ROUTES = [
    get(
        "/admin/overview",
        show_overview,
        "Current figures of the service",
        Overview(),
        access=READ,
        heavy=True,
        tag=TAG,
        description="The room `admin` sends the same every ten seconds, as `overview:updated`.",
    ),
    get(
        "/admin/overview/history",
        show_history,
        "Figures of the service in the last hour or day",
        OverviewHistory(),
        query=HistoryQuery(),
        access=READ,
        heavy=True,
        stale=True,
        tag=TAG,
        description="Figures of all processes together. Rates are sums, averaged over a step; "
        "`latencyP50` is the mean of medians, weighted by requests; `latencyP99` is that of the "
        "slowest process; sockets, queues and the pool are the highest of a step, `webNodes` and "
        "`workers` the lowest. A figure that was not measured is null.",
    ),
    get(
        "/admin/outbox",
        list_letters,
        "Events that could not be delivered",
        DeadLetters(),
        access=READ,
        tag=TAG,
    ),
    post(
        "/admin/outbox/{id}/retry",
        retry_letter,
        "Queue a dead letter for delivery again",
        None,
        204,
        access=allow("outbox:retry"),
        errors=(DeadLetterNotFound,),
        tag=TAG,
    ),
]

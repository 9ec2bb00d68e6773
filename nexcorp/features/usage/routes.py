"""The usage over REST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.features.usage.schemas import Usage, UsageQuery
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database
from nexcorp.web.replies import reply
from nexcorp.web.routing import get


async def show_usage(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        rows = await sql.usage.list_days(conn, days=query["days"])
    return reply({"days": query["days"], "data": [row_to_dict(row) for row in rows]})


ROUTES = [
    get(
        "/admin/usage",
        show_usage,
        "Usage of the service, by day",
        Usage(),
        query=UsageQuery(),
        access=allow("audit:read"),
        tag="Admin",
        description="Days are in UTC. A worker counts the current day every ten minutes, and once more "
        "when it is over. The answer has numbers only: it names nobody.",
    )
]

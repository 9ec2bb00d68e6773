"""Read the overview from PostgreSQL, and show it to the room `admin` every ten seconds."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery.wake import make_queue
from nexcorp.errors import AppError
from nexcorp.features.overview.sampling import Sampler, name_process
from nexcorp.realtime.node import NODE, Node
from nexcorp.security.app_keys import DATABASE
from nexcorp.web.metrics import count_requests

log = structlog.get_logger("nexcorp.overview")

ROOM = "admin"
SHOW_SECONDS = 10.0


async def read_overview(conn: Any) -> dict[str, Any]:
    """Return the state of the service; see schemas.Overview."""
    points = await sql.overview.list_points(conn, step=10, steps=1)
    return {
        "users": await sql.overview.count_users(conn),
        "workers": await sql.events.count_live_workers(conn),
        "outbox": row_to_dict(await sql.events.get_outbox_depth(conn)),
        "latest": row_to_dict(points[0]),
        "nodes": [row_to_dict(row) for row in await sql.overview.list_nodes(conn)],
    }


async def show(node: Node) -> None:
    """Send the overview to the room's sockets on this node; raise AppError without PostgreSQL."""
    if ROOM not in node.hub.rooms:
        return
    async with node.database.connection(wait=2.0) as conn:
        overview = await read_overview(conn)
    node.hub.show(ROOM, "overview:updated", overview)


async def keep_showing(node: Node) -> None:
    """Show the overview every ten seconds until cancelled."""
    while True:
        await asyncio.sleep(SHOW_SECONDS)
        try:
            await show(node)
        except AppError:
            log.debug("the overview waits for the database")
        except Exception:
            log.exception("the overview could not be shown")


def set_up(app: web.Application) -> None:
    """Start sampling and showing in a web process, once the application has started."""

    async def begin(app: web.Application) -> None:
        node = app[NODE]
        sampler = Sampler(
            app[DATABASE],
            name_process(),
            "web",
            make_queue(node.redis),
            requests=count_requests,
            sockets=lambda: sum(len(hub.sockets) for hub in node.hubs),
        )
        node.spawn(sampler.run())
        node.spawn(keep_showing(node))

    app.on_startup.append(begin)

"""The landing page, the metrics, and the API documents with their offline viewer."""

from __future__ import annotations

import hmac
from pathlib import Path

import asyncpg
from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    generate_latest,
    multiprocess,
)

from nexcorp.config import setting
from nexcorp.db import sql
from nexcorp.documents.served import DOCUMENTS
from nexcorp.errors import AppError, NotFound, Unauthorized
from nexcorp.features.service.shared import METRICS
from nexcorp.security.app_keys import CONFIG, CONTEXT, database
from nexcorp.security.authentication import read_bearer
from nexcorp.security.limits import LIMITS
from nexcorp.web.pages import Assets, load_page, make_page
from nexcorp.web.reading import READS
from nexcorp.web.replies import reply_lasting

LANDING = make_page(
    "NexCorp Connect",
    """<p class="muted">The backend for a company's inner life: people and posts, tasks and leads, messages,
projects with files that are edited together, and everybody told of what concerns them.</p>
<a class="button primary" href="/app/">Open the console</a>
<ul>
<li><a href="/api/docs">API documentation</a>, to read and to try</li>
<li><a href="/api/openapi.json">OpenAPI document</a> of the REST interface</li>
<li><a href="/api/asyncapi.json">AsyncAPI document</a> of the live interface at <code>/ws</code></li>
<li><a href="/health">Health</a>, <a href="/ready">readiness</a>, <a href="/metrics">metrics</a></li>
</ul>""",
    wide=True,
)

DOCS = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>NexCorp Connect API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<link rel="icon" href="/api/docs/favicon-32x32.png">
<style>
body { margin: 0 }
.dark-mode body { background: #0e1116 }
.swagger-ui .info { margin: 24px 0 }
.errors { max-width: 1420px; margin: 0 auto; padding: 24px 20px; font: 14px sans-serif; color: #3b4151 }
.errors summary { cursor: pointer; font-weight: 600 }
.errors :is(td, th) { padding: 4px 12px 4px 0; vertical-align: top; text-align: left }
.dark-mode .errors { color: #e8ebf0 }
</style>
<div id="docs"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</html>
"""

START = (Path(__file__).parent / "docs.js").read_text()


ASSETS = Assets(
    Path(__file__).parent / "swagger",
    {
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".png": "image/png",
        ".txt": "text/plain; charset=utf-8",
    },
    START,
)


async def show_landing(request: web.Request) -> web.Response:
    """Show the landing page."""
    return reply_lasting(request, load_page(LANDING))


async def show_docs(request: web.Request) -> web.Response:
    """Show Swagger UI with the OpenAPI document."""
    return reply_lasting(request, load_page(DOCS))


async def show_asset(request: web.Request) -> web.Response:
    """Return a file of Swagger UI."""
    return await ASSETS.reply(request)


async def show_openapi(request: web.Request) -> web.Response:
    """Return the OpenAPI document of the routes that this process serves."""
    return reply_lasting(request, request.app[DOCUMENTS].openapi)


async def show_asyncapi(request: web.Request) -> web.Response:
    """Return the AsyncAPI document of the live interface."""
    return reply_lasting(request, request.app[DOCUMENTS].asyncapi)


OUTBOX_DEPTH = Gauge("nexcorp_outbox_depth", "Events that wait for delivery.", multiprocess_mode="mostrecent")
OUTBOX_AGE = Gauge("nexcorp_outbox_oldest_seconds", "Age of the oldest one.", multiprocess_mode="mostrecent")
OUTBOX_DEAD = Gauge("nexcorp_outbox_dead", "Events given up on.", multiprocess_mode="mostrecent")
DEFAULT_ROWS = Gauge(
    "nexcorp_events_default_rows", "Events in no month's partition.", multiprocess_mode="mostrecent"
)
INVALID_INDEXES = Gauge(
    "nexcorp_invalid_indexes", "Indexes that were left half made.", multiprocess_mode="mostrecent"
)
POOL_SIZE = Gauge(
    "nexcorp_pool_connections", "Connections to PostgreSQL.", ["state"], multiprocess_mode="livesum"
)


async def check_scraper(request: web.Request) -> None:
    """Raise Unauthorized for a wrong METRICS_TOKEN, NotFound in production if the metrics are not open."""
    config = request.app[CONFIG]
    if not config.metrics_token:
        if not (config.development or config.metrics_open):
            raise NotFound()
        return
    try:
        given = read_bearer(request).encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, config.metrics_token.encode()):
            raise Unauthorized()
    except Unauthorized:
        await request.app[LIMITS].take_address(request, request[CONTEXT].ip)
        raise


async def show_metrics(request: web.Request) -> web.Response:
    """Return Prometheus metrics of this process, or of all processes of this dyno if it runs several."""
    await check_scraper(request)
    body = await request.app[METRICS].get(request)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def collect_metrics(request: web.Request) -> bytes:
    """Return the metrics as text."""
    stats = database(request).stats()
    POOL_SIZE.labels("open").set(stats["size"])
    POOL_SIZE.labels("idle").set(stats["idle"])
    reads = request.app.get(READS)
    if reads is not None:
        reads.show()
    try:
        async with database(request).connection() as conn:
            outbox = await sql.events.get_outbox_depth(conn)
            troubles = await sql.events.count_troubles(conn)
        OUTBOX_DEPTH.set(outbox["depth"])
        OUTBOX_AGE.set(outbox["age"])
        OUTBOX_DEAD.set(outbox["dead"])
        DEFAULT_ROWS.set(troubles["defaultRows"])
        INVALID_INDEXES.set(troubles["invalidIndexes"])
    except (AppError, asyncpg.PostgresError):
        # The other figures matter most while the database is down.
        pass
    registry = REGISTRY
    if setting("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)

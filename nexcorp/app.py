"""Make the web application from the features that nexcorp/features/__init__.py lists."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from nexcorp.background import end_tasks
from nexcorp.collab.announcing import Announce
from nexcorp.collab.node import COLLAB, Collab
from nexcorp.collab.routes import ROUTES as COLLABORATION
from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.delivery.wake import Waker, make_queue
from nexcorp.documents.asyncapi import make_asyncapi
from nexcorp.documents.openapi import make_openapi
from nexcorp.documents.served import DOCUMENTS, Documents
from nexcorp.domain.attachments import Storage
from nexcorp.extras import make_tracer
from nexcorp.features import PRODUCT
from nexcorp.graphql.routes import ROUTES as GRAPHQL
from nexcorp.graphql.routes import set_up as set_up_graphql
from nexcorp.integrations.storage import make_stores, take_in
from nexcorp.integrations.storage.threads import Threads
from nexcorp.logs import seldom
from nexcorp.manifest import Product
from nexcorp.realtime.node import NODE, Node
from nexcorp.realtime.routes import ROUTES as REALTIME
from nexcorp.realtime.tracing import trace_hub
from nexcorp.redis_client import connect
from nexcorp.security.access import Rights
from nexcorp.security.api_keys import ApiKeys
from nexcorp.security.app_keys import (
    API_KEYS,
    CONFIG,
    DATABASE,
    REVOCATIONS,
    RIGHTS,
    SECRETS,
    TOKENS,
)
from nexcorp.security.limits import LIMITS, Limits
from nexcorp.security.revocations import Revocations
from nexcorp.security.secrets import Secrets
from nexcorp.security.throttle import THROTTLE, Throttle
from nexcorp.security.tokens import Tokens
from nexcorp.web.app_keys import EFFECTS, SENTENCES
from nexcorp.web.app_keys import PRODUCT as PRODUCT_KEY
from nexcorp.web.cache import CACHE, Cache
from nexcorp.web.effects import make_performer
from nexcorp.web.gate import GATE, PLACES_A_CONNECTION, Gate
from nexcorp.web.gateway import make_gateway
from nexcorp.web.parsing import MAX_JSON_BYTES
from nexcorp.web.reading import READS, Reads
from nexcorp.web.refusals import make_refusal
from nexcorp.web.replies import encode, make_lasting
from nexcorp.web.routing import Route, add_routes
from nexcorp.web.storage import STORAGE
from nexcorp.web.tracing import make_tracing
from nexcorp.web.turns import TURNS, Turns

if TYPE_CHECKING:
    from nexcorp.tracing import Tracer

log = structlog.get_logger("nexcorp.app")


async def open_database(database: Database, node: Node) -> None:
    """Connect, load the revoked sessions and the rooms' positions (retry until it works), start the node."""
    await database.open_patiently()
    await database.await_migrations()
    while not node.revocations.loaded or node.positions.epoch is None:
        try:
            await node.load_revocations()
            await node.positions.check()
        except Exception as error:
            if seldom("serve"):
                log.error("not ready to serve, trying again", error=type(error).__name__)
            await asyncio.sleep(1)
    node.start()


async def run_services(app: web.Application) -> AsyncIterator[None]:
    """Start the pool, the node, the waker and the sweepers with the application, and stop them with it."""
    database, node = app[DATABASE], app[NODE]
    redis = connect(app[CONFIG].redis_url, blocking=True)
    waker = Waker(make_queue(redis), app[PRODUCT_KEY].job_seconds)
    effects = app[EFFECTS]
    database.perform = make_performer(
        waker,
        app[CACHE],
        app[REVOCATIONS],
        keeps_lists=app[CONFIG].cache,
        others=effects,
    )
    opening = asyncio.create_task(open_database(database, node))
    # After 5 s the service answers even without the database: /ready and 503 say what is missing.
    await asyncio.wait([opening], timeout=5)
    waking = asyncio.create_task(waker.run())
    sweeping = asyncio.create_task(app[LIMITS].run())
    reads = app.get(READS)
    if reads is not None:
        reads.start()
    yield
    if reads is not None:
        await reads.stop()
    await end_tasks((opening, waking, sweeping))
    await app[LIMITS].stop()
    await app[THROTTLE].close()
    await node.stop()
    for store in app[STORAGE].stores.values():
        store.close()
    await redis.aclose()
    await app[CACHE].close()
    await database.close()


def trace_services(app: web.Application, tracer: Tracer) -> None:
    """Trace statements and writes to sockets, too, until the application ends."""
    app[DATABASE].watchers.append(tracer.note_statement)
    trace_hub(app[NODE].hub, tracer)

    async def close(app: web.Application) -> None:
        await tracer.close()

    app.on_cleanup.append(close)


async def drain(app: web.Application) -> None:
    """Send the sockets' clients to another node before aiohttp waits for the requests in flight."""
    await app[NODE].drain()


@functools.cache
def make_documents(product: Product = PRODUCT) -> Documents:
    """Return the OpenAPI and AsyncAPI documents of a product; made once per process."""
    schemas = {kind.schema.__name__: kind.schema for kind in product.kinds.values()}
    commands = {name: one.doc for name, one in product.commands.items()}
    live = make_asyncapi(schemas, product.frames, product.answers, commands, product.names)
    return Documents(
        make_lasting(encode(make_openapi(list_routes(product), product.names))), make_lasting(encode(live))
    )


def list_routes(product: Product = PRODUCT) -> list[Route]:
    """Return all routes: those of sockets, of collaboration and of GraphQL, and the features' own."""
    return [*REALTIME, *COLLABORATION, *GRAPHQL, *product.routes]


def make_storage(config: Config) -> Storage:
    """Return the stores of files, with two threads that inspect uploads."""
    stores, threads = make_stores(config), Threads("inspect", 2, 64)
    return Storage(
        next(iter(stores.values())),
        stores,
        lambda path, name: threads.run(take_in, path, name, config.keep_metadata),
        config.storage_quota_mb * 1024 * 1024,
        config.uploads_an_hour,
    )


def create_app(config: Config, product: Product = PRODUCT) -> web.Application:
    """Return the application for `config`, made of the features of `product`."""
    tracer = make_tracer(config, "nexcorp-web")
    tracing = [make_tracing(tracer)] if tracer is not None else []
    app = web.Application(middlewares=[*tracing, make_gateway(config)], client_max_size=MAX_JSON_BYTES)
    secrets = Secrets.from_config(config)
    database = Database(config, application="nexcorp web")
    app[CONFIG], app[SECRETS], app[TOKENS] = config, secrets, Tokens(secrets)
    app[DATABASE], app[REVOCATIONS] = database, Revocations()
    app[RIGHTS] = Rights(strict=config.registers != "open")
    app[API_KEYS] = ApiKeys(database, app[REVOCATIONS])
    app[CACHE], app[TURNS] = Cache(config.redis_url), Turns()
    app[PRODUCT_KEY], app[SENTENCES] = product, product.sentences
    app[NODE] = Node(config, database, app[REVOCATIONS], app[RIGHTS], product)
    app[COLLAB] = Collab(app[NODE])
    effects: dict[type, Callable[[Any], None]] = {Announce: app[COLLAB].announce}
    app[EFFECTS] = effects
    app[LIMITS], app[THROTTLE] = Limits(config), Throttle(config)
    app[DOCUMENTS], app[STORAGE] = make_documents(product), make_storage(config)
    product.set_up(app)
    set_up_graphql(app)
    if config.database_read_url:
        listener = app[NODE].listener
        app[READS] = Reads(config, database, lambda: listener.connected)
        app[REVOCATIONS].on_less = app[READS].replica.fence
    routes = list_routes(product)
    add_routes(app, routes)
    vital = [route.full_path for route in routes if route.vital]
    app[GATE] = Gate(
        config.database_pool[1] * PLACES_A_CONNECTION, config.max_in_flight, vital, make_refusal(config)
    )
    if tracer is not None:
        trace_services(app, tracer)
    app.cleanup_ctx.append(run_services)
    app.on_shutdown.append(drain)
    return app

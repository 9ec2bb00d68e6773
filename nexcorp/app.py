"""create_app(): the web application, and the only place that knows every feature."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from nexcorp.background import end_tasks
from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.delivery.wake import Waker, make_queue
from nexcorp.documents.asyncapi import make_asyncapi
from nexcorp.documents.openapi import make_openapi
from nexcorp.documents.served import DOCUMENTS, Documents
from nexcorp.domain.attachments import Storage
from nexcorp.features.audit.routes import ROUTES as AUDIT
from nexcorp.features.auth.oauth.routes import PROVIDERS
from nexcorp.features.auth.oauth.routes import ROUTES as OAUTH
from nexcorp.features.auth.recovery.routes import ROUTES as RECOVERY
from nexcorp.features.auth.sessions.routes import ROUTES as AUTH
from nexcorp.features.comments.routes import ROUTES as COMMENTS
from nexcorp.features.comments.schemas import Comment
from nexcorp.features.explore.routes import ROUTES as EXPLORE
from nexcorp.features.feed.routes import ROUTES as FEED
from nexcorp.features.follows.routes import ROUTES as FOLLOWS
from nexcorp.features.keys.routes import ROUTES as KEYS
from nexcorp.features.notifications.routes import ROUTES as NOTIFICATIONS
from nexcorp.features.notifications.schemas import Notification
from nexcorp.features.posts.rooms import may_join_post, may_join_profile
from nexcorp.features.posts.routes import ROUTES as POSTS
from nexcorp.features.reactions.routes import ROUTES as REACTIONS
from nexcorp.features.search.routes import ROUTES as SEARCH
from nexcorp.features.service.routes import ROUTES as SERVICE
from nexcorp.features.uploads.routes import ROUTES as UPLOADS
from nexcorp.features.users.roles_routes import ROUTES as ROLES
from nexcorp.features.users.routes import ROUTES as USERS
from nexcorp.integrations.oauth import Providers
from nexcorp.integrations.storage import inspect, make_stores
from nexcorp.integrations.storage.threads import Threads
from nexcorp.realtime.node import NODE, Node
from nexcorp.realtime.rooms import MayJoin
from nexcorp.realtime.routes import ROUTES as REALTIME
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
from nexcorp.security.redis_scripts import Scripts
from nexcorp.security.revocations import Revocations
from nexcorp.security.secrets import Secrets
from nexcorp.security.throttle import THROTTLE, Throttle
from nexcorp.security.tokens import Tokens
from nexcorp.web.cache import CACHE, Cache
from nexcorp.web.effects import make_performer
from nexcorp.web.gateway import make_gateway
from nexcorp.web.parsing import MAX_JSON_BYTES
from nexcorp.web.replies import make_lasting
from nexcorp.web.routing import Route, add_routes
from nexcorp.web.storage import STORAGE
from nexcorp.web.turns import TURNS, Turns

log = structlog.get_logger("nexcorp.app")

ROUTES: list[Route] = [
    *SERVICE,
    *REALTIME,
    *AUTH,
    *KEYS,
    *AUDIT,
    *RECOVERY,
    *OAUTH,
    *USERS,
    *ROLES,
    *POSTS,
    *REACTIONS,
    *COMMENTS,
    *FOLLOWS,
    *FEED,
    *EXPLORE,
    *SEARCH,
    *NOTIFICATIONS,
    *UPLOADS,
]

ROOM_RULES: dict[str, MayJoin] = {"post": may_join_post, "profile": may_join_profile}


async def open_database(database: Database, node: Node) -> None:
    """Connect, then learn which sessions ended before this node began, and where its rooms stand."""
    await database.open_patiently()
    while not node.revocations.loaded or node.positions.epoch is None:
        try:
            await node.load_revocations()
            await node.positions.check()
        except Exception as error:
            # For instance before the first `nexcorp migrate up`.
            log.error("not ready to serve, trying again", error=type(error).__name__)
            await asyncio.sleep(1)


async def run_services(app: web.Application) -> AsyncIterator[None]:
    """What lives as long as the application: the pool, the node's listeners, the waker."""
    database, node = app[DATABASE], app[NODE]
    redis = connect(app[CONFIG].redis_url, blocking=True)
    waker = Waker(make_queue(redis))
    database.perform = make_performer(waker, app[CACHE], app[REVOCATIONS])
    opening = asyncio.create_task(open_database(database, node))
    # The service answers at once either way: /ready and 503 say what is missing.
    await asyncio.wait([opening], timeout=5)
    node.start()
    waking = asyncio.create_task(waker.run())
    sweeping = asyncio.create_task(app[LIMITS].run())
    yield
    await end_tasks((opening, waking, sweeping))
    await app[LIMITS].stop()
    await node.stop()
    for store in app[STORAGE].stores.values():
        store.close()
    await redis.aclose()
    await app[CACHE].close()
    await database.close()


async def drain(app: web.Application) -> None:
    """Send clients elsewhere before the requests in flight are waited for."""
    await app[NODE].drain()


@functools.cache
def make_documents() -> Documents:
    """The descriptions of what is served: made once a process."""
    live = make_asyncapi({"Comment": Comment, "Notification": Notification})
    return Documents(make_lasting(make_openapi(ROUTES)), make_lasting(live))


def make_storage(config: Config) -> Storage:
    """The stores, and two threads that look into what comes in."""
    stores, threads = make_stores(config), Threads("inspect", 2, 64)
    return Storage(next(iter(stores.values())), stores, lambda path, name: threads.run(inspect, path, name))


def create_app(config: Config) -> web.Application:
    """The application for `config`."""
    app = web.Application(middlewares=[make_gateway(config)], client_max_size=MAX_JSON_BYTES)
    secrets = Secrets.from_config(config)
    database = Database(config, application="nexcorp web")
    app[CONFIG], app[SECRETS], app[TOKENS] = config, secrets, Tokens(secrets)
    app[DATABASE], app[REVOCATIONS], app[RIGHTS] = database, Revocations(), Rights()
    app[API_KEYS] = ApiKeys(database, app[REVOCATIONS])
    app[CACHE], app[TURNS] = Cache(config.redis_url), Turns()
    app[NODE] = Node(config, database, app[REVOCATIONS], app[RIGHTS], ROOM_RULES)
    scripts = Scripts(config.redis_url)
    app[LIMITS], app[THROTTLE] = Limits(config, scripts), Throttle(config, scripts)
    app[PROVIDERS] = Providers(config)
    app[DOCUMENTS], app[STORAGE] = make_documents(), make_storage(config)
    add_routes(app, ROUTES)
    app.cleanup_ctx.append(run_services)
    app.on_shutdown.append(drain)
    return app

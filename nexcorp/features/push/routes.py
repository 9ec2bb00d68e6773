"""Push subscriptions over REST."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from aiohttp import web

from nexcorp.config import Config
from nexcorp.db import sql
from nexcorp.errors import SessionRequired
from nexcorp.features.push import service
from nexcorp.features.push.errors import EndpointRefused, PushNotConfigured, SubscriptionNotFound
from nexcorp.features.push.schemas import (
    CreateSubscription,
    EndpointBody,
    PushKey,
    PushSubscription,
    PushSubscriptionPage,
)
from nexcorp.integrations.vapid import make_vapid
from nexcorp.security.access import allow
from nexcorp.security.app_keys import CONFIG, caller, database
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import delete, get, post


@lru_cache(8)
def find_key(config: Config) -> str:
    """Return the public key; raise PushNotConfigured."""
    vapid = make_vapid(config)
    if vapid is None:
        raise PushNotConfigured()
    return vapid.public


async def get_key(request: web.Request) -> web.Response:
    return reply({"key": find_key(request.app[CONFIG])})


async def create_subscription(request: web.Request, body: dict[str, Any]) -> web.Response:
    config = request.app[CONFIG]
    find_key(config)
    host = service.check_endpoint(body["endpoint"], config.outbound_allow)
    async with database(request).transaction() as conn:
        row = await service.subscribe(
            conn,
            caller(request),
            endpoint=body["endpoint"],
            host=host,
            **body["keys"],
            expires_at=body["expirationTime"],
        )
    return reply(row, 201)


async def list_subscriptions(request: web.Request) -> web.Response:
    who = caller(request)
    async with database(request).connection() as conn:
        rows = await sql.push.list_subscriptions(conn, user_id=who.id, session_id=who.session_id)
    return reply({"data": rows, "nextCursor": None})


async def delete_subscription(request: web.Request) -> web.Response:
    subscription_id = path_id(request)
    async with database(request).transaction() as conn:
        await service.unsubscribe(conn, caller(request), subscription_id)
    return no_content()


async def delete_endpoint(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with database(request).transaction() as conn:
        await service.unsubscribe_endpoint(conn, caller(request), body["endpoint"])
    return no_content()


TAG = "Notifications"
READ = allow("notification:read", whose="your own only")
CHANGE = allow("notification:update", whose="your own only")
ROUTES = [
    get(
        "/push-subscriptions/key",
        get_key,
        "The key that browsers subscribe with",
        PushKey(),
        access=allow("notification:read"),
        errors=(PushNotConfigured,),
        tag=TAG,
    ),
    get(
        "/push-subscriptions",
        list_subscriptions,
        "Browsers that get your notifications",
        PushSubscriptionPage,
        access=READ,
        tag=TAG,
    ),
    post(
        "/push-subscriptions",
        create_subscription,
        "Send notifications to this browser",
        PushSubscription(),
        body=CreateSubscription(),
        access=allow("notification:update", whose="for the browser of your session; no API keys"),
        errors=(PushNotConfigured, EndpointRefused, SessionRequired),
        tag=TAG,
        # The request can be repeated without an Idempotency-Key.
        idempotent=False,
        description="Send the result of `PushSubscription.toJSON()`. The subscription lasts as long as "
        "the session that made it: signing out ends it. Send it again at each start; the same "
        "endpoint keeps its `id`. A browser that another account had subscribed becomes yours. Of "
        "more than 20 subscriptions, the one that was sent longest ago ends.",
    ),
    delete(
        "/push-subscriptions",
        delete_endpoint,
        "Unsubscribe this browser",
        body=EndpointBody(),
        access=CHANGE,
        tag=TAG,
        description="204 even if you have no subscription with this endpoint.",
    ),
    delete(
        "/push-subscriptions/{id}",
        delete_subscription,
        "Unsubscribe one of your browsers",
        errors=(SubscriptionNotFound,),
        access=CHANGE,
        tag=TAG,
    ),
]

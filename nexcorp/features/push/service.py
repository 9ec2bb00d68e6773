"""The rules of push subscriptions: whose they are, how many, and for how long."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.errors import SessionRequired, Unauthorized
from nexcorp.features.push.errors import EndpointRefused, SubscriptionNotFound
from nexcorp.integrations.outbound import Refused, check_url, name_host
from nexcorp.security.caller import Caller

MAX_SUBSCRIPTIONS = 20


def check_endpoint(endpoint: str, allow: Collection[str]) -> str:
    """The host of an endpoint; `allow` is Config.outbound_allow. Raises EndpointRefused for what no message
    would be sent to."""
    try:
        return name_host(check_url(endpoint, allow))
    except Refused as refusal:
        raise EndpointRefused(errors={"endpoint": [refusal.message]}) from None


def hash_endpoint(endpoint: str) -> bytes:
    """The hash by which a subscription is found."""
    return sha256(endpoint.encode()).digest()


async def subscribe(
    conn: Any,
    caller: Caller,
    *,
    endpoint: str,
    host: str,
    p256dh: bytes,
    auth: bytes,
    expires_at: datetime | None,
) -> Any:
    """Have messages to the caller go to a browser as long as this session lasts; returns the subscription.

    `host` comes from check_endpoint().
    The same endpoint again is the same subscription, of this session from now on; what another user had is
    the caller's, as the browser is. Of more than MAX_SUBSCRIPTIONS the one refreshed longest ago ends.
    Raises SessionRequired for an API key, Unauthorized where the session has ended.
    """
    if caller.principal.scopes is not None:
        raise SessionRequired()
    if await sql.push.lock_session(conn, user_id=caller.id, session_id=caller.session_id) is None:
        raise Unauthorized()
    saved = await sql.push.save_subscription(
        conn,
        user_id=caller.id,
        session_id=caller.session_id,
        endpoint_hash=hash_endpoint(endpoint),
        endpoint=endpoint,
        host=host,
        p256dh=p256dh,
        auth=auth,
        expires_at=expires_at,
    )
    if saved["_new"]:
        await sql.push.delete_surplus(conn, user_id=caller.id, kept=MAX_SUBSCRIPTIONS)
        await record(conn, caller, "created", saved["id"])
    rows = await sql.push.list_subscriptions(conn, user_id=caller.id, session_id=caller.session_id)
    return next(row for row in rows if row["id"] == saved["id"])


async def unsubscribe(conn: Any, caller: Caller, subscription_id: UUID) -> None:
    """End one of the caller's subscriptions; raises SubscriptionNotFound, for another user's as well."""
    if await sql.push.delete_subscription(conn, user_id=caller.id, subscription_id=subscription_id) is None:
        raise SubscriptionNotFound()
    await record(conn, caller, "removed", subscription_id)


async def unsubscribe_endpoint(conn: Any, caller: Caller, endpoint: str) -> None:
    """End the caller's subscription with this endpoint, if there is one: a browser may say so late."""
    found = await sql.push.delete_endpoint(conn, user_id=caller.id, endpoint_hash=hash_endpoint(endpoint))
    if found is not None:
        await record(conn, caller, "removed", found)


async def record(conn: Any, caller: Caller, what: str, subscription_id: UUID) -> None:
    """Put into the trail what the caller did."""
    await emit(
        conn,
        f"push_subscription.{what}",
        actor_id=caller.id,
        entity=("push_subscription", subscription_id),
        payload={"userId": caller.id},
    )

"""The rules of push subscriptions: their owner, number and lifetime."""

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
    """Return the host of an endpoint; `allow` is Config.outbound_allow. Raise EndpointRefused if no message
    may be sent to it."""
    try:
        return name_host(check_url(endpoint, allow))
    except Refused as refusal:
        raise EndpointRefused(errors={"endpoint": [refusal.message]}) from None


def hash_endpoint(endpoint: str) -> bytes:
    """Return the hash by which the database finds a subscription."""
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
    """Send the caller's messages to a browser for as long as this session lasts; return the subscription.
    `host` comes from check_endpoint().

    A known endpoint keeps its subscription, which moves to this session; one of another user ends, as the
    browser is the caller's now. Beyond MAX_SUBSCRIPTIONS, the one refreshed longest ago ends. Raises
    SessionRequired for an API key, Unauthorized if the session has ended.
    """
    if caller.principal.scopes is not None:
        raise SessionRequired()
    if await sql.push.lock_session(conn, user_id=caller.id, session_id=caller.session_id) is None:
        raise Unauthorized()
    endpoint_hash = hash_endpoint(endpoint)
    saved = None
    # Another user may subscribe the same browser in between.
    while saved is None:
        taken = await sql.push.take_endpoint(conn, user_id=caller.id, endpoint_hash=endpoint_hash)
        if taken is not None:
            await record(conn, caller, "removed", taken["id"], owner_id=taken["user_id"])
        saved = await sql.push.save_subscription(
            conn,
            user_id=caller.id,
            session_id=caller.session_id,
            endpoint_hash=endpoint_hash,
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
    """End one of the caller's subscriptions; raise SubscriptionNotFound, also for another user's."""
    if await sql.push.delete_subscription(conn, user_id=caller.id, subscription_id=subscription_id) is None:
        raise SubscriptionNotFound()
    await record(conn, caller, "removed", subscription_id)


async def unsubscribe_endpoint(conn: Any, caller: Caller, endpoint: str) -> None:
    """End the caller's subscription with this endpoint; does nothing without one: browsers may call late."""
    found = await sql.push.delete_endpoint(conn, user_id=caller.id, endpoint_hash=hash_endpoint(endpoint))
    if found is not None:
        await record(conn, caller, "removed", found)


async def record(
    conn: Any, caller: Caller, what: str, subscription_id: UUID, *, owner_id: UUID | None = None
) -> None:
    """Record the caller's action in the audit trail; `owner_id` is whose subscription it is, if another
    user's."""
    await emit(
        conn,
        f"push_subscription.{what}",
        actor_id=caller.id,
        entity=("push_subscription", subscription_id),
        payload={"userId": owner_id or caller.id},
    )

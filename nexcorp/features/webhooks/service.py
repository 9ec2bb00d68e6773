"""The rules of webhooks: their owner, number, allowed events, and secrets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Job
from nexcorp.domain.projects import MANAGE, require_role
from nexcorp.domain.targets import REFUSALS
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import EmailUnverified, Invalid, Unauthorized
from nexcorp.features.webhooks.errors import (
    MAX_WEBHOOKS,
    DeliveryNotFound,
    RightLost,
    TooManyWebhooks,
    WebhookInactive,
    WebhookNotFound,
)
from nexcorp.features.webhooks.signing import make_secret, seal_secret, show_secret
from nexcorp.integrations.outbound import Refused, check_url
from nexcorp.manifest import Product
from nexcorp.security.caller import Caller
from nexcorp.security.secrets import Secrets

ALL = "webhook:all"
NOTIFICATION = "notification."
OLD_SECRET_SECONDS = 24 * 3600
MOST_AGAIN = 10_000
SEND_WEBHOOKS = Job("send_webhooks")


def check_target(url: str, allow: Collection[str]) -> None:
    """Raise UrlRefused, HttpsOnly or AddressRefused for an address that nothing may be sent to; `allow` is
    Config.outbound_allow."""
    try:
        check_url(url, allow)
    except Refused as refusal:
        raise REFUSALS[refusal.code](errors={"url": [refusal.message]}) from None


def check_types(types: Sequence[str], scope: str, product: Product) -> list[str]:
    """Return the types without repeats; raise Invalid for types that a webhook of this scope never sends."""
    known = {
        name
        for name in product.names["types for webhooks"]
        if name.startswith(NOTIFICATION) == (scope == "own")
    }
    wrong = [f"There is no type {name} for the scope {scope}." for name in types if name not in known]
    if wrong:
        raise Invalid(errors={"types": wrong})
    return sorted(set(types))


async def record(
    conn: Any, caller: Caller, what: str, webhook_id: UUID, payload: dict[str, Any] | None = None
) -> UUID:
    """Record the caller's action in the audit trail; return the event's id."""
    return await emit(
        conn,
        f"webhook.{what}",
        actor_id=caller.id,
        entity=("webhook", webhook_id),
        payload={"ownerId": caller.id, **(payload or {})},
    )


async def get_webhook(conn: Any, caller: Caller, webhook_id: UUID) -> Any:
    """Return one of the caller's webhooks; raise WebhookNotFound."""
    row = await sql.webhooks.get_webhook(conn, owner_id=caller.id, webhook_id=webhook_id)
    if row is None:
        raise WebhookNotFound()
    return row


async def lock_webhook(conn: Any, caller: Caller, webhook_id: UUID) -> Any:
    """Lock a webhook of the caller; return the row of sql.webhooks.lock_webhook; raise WebhookNotFound."""
    row = await sql.webhooks.lock_webhook(conn, owner_id=caller.id, webhook_id=webhook_id)
    if row is None:
        raise WebhookNotFound()
    return row


async def create_webhook(
    conn: Any, caller: Caller, secrets: Secrets, product: Product, data: dict[str, Any]
) -> dict[str, Any]:
    """Create a webhook from the fields of CreateWebhook, with a checked URL; return it with `secret`.

    Raises EmailUnverified, TooManyWebhooks, Unauthorized, Invalid for types, PermissionRequired for the scope
    `all`, and ProjectNotFound or NotYourProject for the scope `project`.
    """
    types = check_types(data["types"], data["scope"], product)
    if data["scope"] == "all":
        caller.require(ALL)
    if data["projectId"] is not None:
        await require_role(conn, data["projectId"], caller.id, caller.may(MANAGE), ("owner",))
    owner = await sql.webhooks.lock_owner(conn, user_id=caller.id)
    if owner is None:
        raise Unauthorized()
    if not owner["verified"]:
        # As with API keys: it would survive a recovery of the account by the owner of the address.
        raise EmailUnverified()
    # A separate statement after the lock: it sees webhooks of the transaction that held the lock before.
    if await sql.webhooks.count_webhooks(conn, owner_id=caller.id) >= MAX_WEBHOOKS:
        raise TooManyWebhooks()
    webhook_id, secret = owner["new_id"], make_secret()
    await sql.webhooks.insert_webhook(
        conn,
        webhook_id=webhook_id,
        owner_id=caller.id,
        scope=data["scope"],
        project_id=data["projectId"],
        url=data["url"],
        types=types,
        description=data["description"],
        secret=seal_secret(secrets, webhook_id, secret),
    )
    after = {"scope": data["scope"], "projectId": data["projectId"], "types": types}
    await record(conn, caller, "created", webhook_id, {"after": after})
    return {**row_to_dict(await get_webhook(conn, caller, webhook_id)), "secret": show_secret(secret)}


async def update_webhook(
    conn: Any,
    caller: Caller,
    product: Product,
    webhook_id: UUID,
    data: dict[str, Any],
    versions: Versions | None,
    by_etag: bool,
) -> Any:
    """Change the fields in `data`, with a checked URL; return the webhook, unchanged if it has these values
    already. Raises WebhookNotFound, Invalid for types, StaleVersion or PreconditionFailed."""
    await lock_webhook(conn, caller, webhook_id)
    webhook = await get_webhook(conn, caller, webhook_id)
    check_version(webhook, versions, by_etag=by_etag)
    if "types" in data:
        data["types"] = check_types(data["types"], webhook["scope"], product)
    pauses = data.pop("status", None) == "paused" and webhook["status"] == "active"
    changes = {name: value for name, value in data.items() if value != webhook[name]}
    if not changes and not pauses:
        return webhook
    await sql.webhooks.update_webhook(
        conn,
        webhook_id=webhook_id,
        url=changes.get("url"),
        types=changes.get("types"),
        set_description="description" in changes,
        description=changes.get("description"),
        pauses=pauses,
    )
    if changes:
        await record(conn, caller, "updated", webhook_id, {"changed": sorted(changes)})
    if pauses:
        await record(conn, caller, "paused", webhook_id, {"reason": "owner"})
    conn.after(SEND_WEBHOOKS)
    return await get_webhook(conn, caller, webhook_id)


async def delete_webhook(conn: Any, caller: Caller, webhook_id: UUID) -> None:
    """Delete a webhook with its deliveries, sent or not; raise WebhookNotFound."""
    if await sql.webhooks.delete_webhook(conn, owner_id=caller.id, webhook_id=webhook_id) is None:
        raise WebhookNotFound()
    await record(conn, caller, "deleted", webhook_id)


async def renew_secret(
    conn: Any, caller: Caller, secrets: Secrets, webhook_id: UUID, *, revoke_old: bool
) -> dict[str, Any]:
    """Make a new secret; the old one signs beside it for 24 hours unless it is revoked. Return the webhook
    with `secret`. Raises WebhookNotFound."""
    await lock_webhook(conn, caller, webhook_id)
    secret = make_secret()
    await sql.webhooks.renew_secret(
        conn,
        webhook_id=webhook_id,
        secret=seal_secret(secrets, webhook_id, secret),
        old_seconds=0.0 if revoke_old else float(OLD_SECRET_SECONDS),
    )
    await record(conn, caller, "secret_renewed", webhook_id, {"revokeOld": revoke_old})
    return {**row_to_dict(await get_webhook(conn, caller, webhook_id)), "secret": show_secret(secret)}


async def resume_webhook(conn: Any, caller: Caller, webhook_id: UUID) -> Any:
    """Resume sending, also of deliveries that were kept; return the webhook, unchanged if it is active.

    Raises WebhookNotFound, RightLost.
    """
    held = await lock_webhook(conn, caller, webhook_id)
    if held["status"] != "active":
        if not held["may"]:
            raise RightLost()
        await sql.webhooks.resume_webhook(conn, webhook_id=webhook_id)
        await record(conn, caller, "resumed", webhook_id)
        conn.after(SEND_WEBHOOKS)
    return await get_webhook(conn, caller, webhook_id)


async def send_test(conn: Any, caller: Caller, webhook_id: UUID) -> Any:
    """Send a `webhook.test` at once, without retries; return its delivery.

    Raises WebhookNotFound, WebhookInactive.
    """
    held = await lock_webhook(conn, caller, webhook_id)
    if held["status"] != "active":
        raise WebhookInactive()
    event_id = await record(conn, caller, "test", webhook_id)
    delivery_id = await sql.webhooks.insert_test(conn, webhook_id=webhook_id, event_id=event_id)
    conn.after(SEND_WEBHOOKS)
    return await sql.webhooks.get_delivery(conn, webhook_id=webhook_id, delivery_id=delivery_id)


async def read_delivery(conn: Any, caller: Caller, webhook_id: UUID, delivery_id: UUID) -> dict[str, Any]:
    """Return a delivery with its attempts as `log`; raise WebhookNotFound, DeliveryNotFound."""
    await get_webhook(conn, caller, webhook_id)
    row = await sql.webhooks.get_delivery(conn, webhook_id=webhook_id, delivery_id=delivery_id)
    if row is None:
        raise DeliveryNotFound()
    return {**row_to_dict(row), "log": await sql.webhooks.list_attempts(conn, delivery_id=delivery_id)}


async def redeliver(conn: Any, caller: Caller, webhook_id: UUID, delivery_id: UUID) -> Any:
    """Send a delivery again, whatever its outcome; return it. Raises WebhookNotFound, DeliveryNotFound."""
    await lock_webhook(conn, caller, webhook_id)
    found = await sql.webhooks.redeliver(conn, webhook_id=webhook_id, delivery_id=delivery_id)
    if found is None:
        raise DeliveryNotFound()
    await record(conn, caller, "redelivered", webhook_id, {"deliveryId": delivery_id})
    conn.after(SEND_WEBHOOKS)
    return await sql.webhooks.get_delivery(conn, webhook_id=webhook_id, delivery_id=delivery_id)


async def redeliver_failed(
    conn: Any, caller: Caller, webhook_id: UUID, since: datetime, until: datetime
) -> int:
    """Send deliveries again that were made in this span and failed, at most MOST_AGAIN; return their number.

    Raises WebhookNotFound.
    """
    await lock_webhook(conn, caller, webhook_id)
    count = await sql.webhooks.redeliver_failed(
        conn, webhook_id=webhook_id, since=since, until=until, most=MOST_AGAIN
    )
    if count:
        await record(conn, caller, "redelivered", webhook_id, {"count": count})
        conn.after(SEND_WEBHOOKS)
    return count or 0

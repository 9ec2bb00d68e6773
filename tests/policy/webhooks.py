"""The rows of the written policy about webhooks, which only their owner sees."""

from __future__ import annotations

from typing import Any

from tests.policy.rules import Made, Maker, Rule
from tests.policy.world import Person, World

OWN = "your own only"
URL = "https://hooks.example.com/nexcorp"


async def a_webhook(world: World, owner: Person) -> Made:
    """Create a webhook of the owner."""
    [row] = await world.fetch(
        """INSERT INTO webhooks (id, owner_id, scope, url, secret)
        VALUES (uuidv7(), $1, 'own', $2, '') RETURNING id""",
        owner.id,
        URL,
    )
    return {"id": row["id"]}


async def a_delivery(world: World, owner: Person) -> Made:
    """Create a webhook of the owner with a failed delivery."""
    webhook = await a_webhook(world, owner)
    [row] = await world.fetch(
        """INSERT INTO webhook_deliveries (webhook_id, event_id, event_at, type, status)
        VALUES ($1, uuidv7(), now(), 'notification.like', 'failed') RETURNING id""",
        webhook["id"],
    )
    return {**webhook, "deliveryId": row["id"]}


def own(operation: str, permission: str, status: int, make: Maker = a_webhook, **more: Any) -> Rule:
    """A rule for webhooks of the owner, which nobody else sees, not even an administrator."""
    return Rule(operation, permission, status, 404, 404, 404, whose=OWN, make=make, **more)


WEBHOOKS: list[Rule] = [
    Rule("GET /webhooks", "webhook:read", 200, whose=OWN),
    Rule("POST /webhooks", "webhook:create", 201, whose=OWN, body={"url": URL, "scope": "own"}, fresh=True),
    own("GET /webhooks/{id}", "webhook:read", 200),
    own("PATCH /webhooks/{id}", "webhook:create", 200, body={"description": "Ours"}, fresh=True),
    own("DELETE /webhooks/{id}", "webhook:create", 204),
    own("POST /webhooks/{id}/secret", "webhook:create", 200, body={"revokeOld": True}, fresh=True),
    own("POST /webhooks/{id}/resume", "webhook:create", 200),
    own("POST /webhooks/{id}/test", "webhook:create", 202),
    own("GET /webhooks/{id}/deliveries", "webhook:read", 200),
    own("GET /webhooks/{id}/deliveries/{deliveryId}", "webhook:read", 200, a_delivery),
    own("POST /webhooks/{id}/deliveries/{deliveryId}/redeliver", "webhook:create", 202, a_delivery),
    own("POST /webhooks/{id}/redeliver", "webhook:create", 202, body={}),
]

"""People whose notifications also go to a webhook, whose receiver misbehaves at times."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from nexcorp.config import Config
from nexcorp.features import PRODUCT
from nexcorp.features.webhooks.signing import make_secret, seal_secret, show_secret
from nexcorp.security.secrets import Secrets
from tests.chaos.checks import say
from tests.chaos.people import Person
from tests.webhookserver import Receiver

# Probabilities that the endpoint fails, redirects, hangs, or takes the request and drops the connection.
MOODS = {"fail": 0.06, "redirect": 0.03, "hang": 0.01, "vanish": 0.03}
HANG_SECONDS = 3.0
TOLD = """
SELECT n.id, n.event_id
FROM notifications AS n
WHERE n.receiver_id = $1 AND n.event_id IN (SELECT e.id FROM events AS e WHERE e.type = ANY($2))
"""


class Moody(Receiver):
    """A receiver that answers /moody/... at random. `mended`: from now on it accepts every request.

    `secrets`: the signing secret of each path. `came`: `webhook-id`s by path and notification id.
    """

    rng = random.Random()
    mended = False

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[str, str] = {}
        self.came: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    async def be_moody(self, request: web.Request) -> web.StreamResponse:
        """Record the verified request, then answer in a random way."""
        call = self.calls[-1]
        self.came[call.path][call.verify(self.secrets[call.path])["data"]["id"]].add(call.id)
        [mood] = self.rng.choices([*MOODS, "ok"], [*MOODS.values(), 1 - sum(MOODS.values())])
        if self.mended or mood == "ok":
            return await self.be_ok(request)
        if mood == "hang":
            await asyncio.sleep(HANG_SECONDS)
            return web.Response(status=500)
        if mood == "vanish":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        answer: web.StreamResponse = await getattr(self, f"be_{mood}")(request)
        return answer


async def subscribe(conn: Any, people: Sequence[Person], receiver: Moody, key: str) -> dict[UUID, Person]:
    """Create a webhook for each person's notifications; return the people by webhook id.

    `key`: JWT_SECRET of the cluster.
    """
    secrets = Secrets.from_config(replace(Config(), jwt_secret=key))
    made = {}
    for person in people:
        webhook_id, secret, path = uuid4(), make_secret(), f"/moody/{person.username}"
        receiver.secrets[path] = show_secret(secret)
        await conn.execute(
            "INSERT INTO webhooks (id, owner_id, scope, url, secret) VALUES ($1, $2, 'own', $3, $4)",
            webhook_id,
            person.id,
            f"{receiver.origin}{path}",
            seal_secret(secrets, webhook_id, secret),
        )
        made[webhook_id] = person
    return made


async def all_are_sent(conn: Any) -> bool:
    """Whether no delivery is pending; makes each one that waits for a retry due at once."""
    await conn.execute(
        "UPDATE webhook_deliveries SET next_at = now() WHERE status = 'pending' AND next_at > now()"
    )
    await conn.execute("UPDATE webhooks SET rest_until = NULL, due_at = now() WHERE due_at > now()")
    return not await conn.fetchval("SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'")


async def check_hooks(conn: Any, receiver: Moody, hooks: dict[UUID, Person]) -> list[str]:
    """Check that each notification came at least once, signed, with its delivery's id, and is recorded."""
    findings = say("redirects followed", receiver.at("/ok/elsewhere"))
    for webhook_id, person in hooks.items():
        told = {
            str(row["id"]): f"msg_{row['event_id'].hex}"
            for row in await conn.fetch(TOLD, person.id, list(PRODUCT.public_events))
        }
        came = receiver.came[f"/moody/{person.username}"]
        rows = await conn.fetch("SELECT id, status FROM webhook_deliveries WHERE webhook_id = $1", webhook_id)
        lane = await conn.fetchrow("SELECT status, due_at FROM webhooks WHERE id = $1", webhook_id)
        problems = [
            *say("never sent", sorted(told.keys() - came.keys())),
            *say("sent, but no notification", sorted(came.keys() - told.keys())),
            *say("sent with another id", [key for key, ids in came.items() if ids != {told.get(key)}]),
            *say("not recorded as delivered", [row["id"] for row in rows if row["status"] != "delivered"]),
            *([f"{len(rows)} deliveries of {len(told)} notifications"] if len(rows) != len(told) else []),
            *([f"is left {dict(lane)}"] if lane["status"] != "active" else []),
        ]
        findings += [f"webhook of {person.username}: {problem}" for problem in problems]
    return findings

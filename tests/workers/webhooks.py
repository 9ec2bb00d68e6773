"""Helpers of the tests of webhooks: webhooks and events written directly, and a worker that sends quickly."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.delivery import emit
from nexcorp.features import PRODUCT
from nexcorp.features.webhooks.signing import make_secret, seal_secret, show_secret
from nexcorp.realtime.protocol import RoomMessage
from nexcorp.security.secrets import Secrets
from tests.clients import PATIENCE
from tests.conftest import wait_until
from workers.delivery import Delivery
from workers.webhooks import Webhooks
from workers.webhooks_lane import Pace

# Retries come at once; turns are short enough for a test to wait.
HURRY = Pace(
    schedule=(0.01, 0.01, 0.01), turn=1.0, lease=30.0, poll=0.02, probe=0.01, most_rest=0.05, seconds=PATIENCE
)
numbers = itertools.count(1)


async def drop(messages: list[RoomMessage]) -> None:
    """Drop the messages."""


@dataclass
class Hooks:
    """Creates webhooks and events, and reads the results."""

    database: Database
    config: Config

    async def run(self, text: str, *values: Any) -> list[Any]:
        """Run a statement; return its rows."""
        async with self.database.connection(wait=5) as conn:
            rows: list[Any] = await conn.fetch(text, *values)
            return rows

    async def value(self, text: str, *values: Any) -> Any:
        """Run a statement; return the first value."""
        return (await self.run(text, *values))[0][0]

    async def person(self, role: str = "member") -> UUID:
        """Create an active person; return the id."""
        name = f"hooked{next(numbers)}_{uuid4().hex[:6]}"
        found: UUID = await self.value(
            """INSERT INTO users (email, username, role, email_verified_at)
            VALUES ($1 || '@example.com', $1, $2, now()) RETURNING id""",
            name,
            role,
        )
        return found

    async def hook(
        self,
        owner: UUID,
        url: str,
        *,
        scope: str = "all",
        project: UUID | None = None,
        types: tuple[str, ...] = (),
    ) -> tuple[UUID, str]:
        """Create a webhook; return its id, and its secret in the form that the owner sees."""
        webhook_id, secret = uuid4(), make_secret()
        async with self.database.transaction(wait=5) as conn:
            await sql.webhooks.insert_webhook(
                conn,
                webhook_id=webhook_id,
                owner_id=owner,
                scope=scope,
                project_id=project,
                url=url,
                types=list(types),
                description=None,
                secret=seal_secret(Secrets.from_config(self.config), webhook_id, secret),
            )
        return webhook_id, show_secret(secret)

    async def post(self, author: UUID, body: str = "A post.", type: str = "post.created") -> UUID:
        """Create a published post and its event; return the post's id."""
        async with self.database.transaction(wait=5) as conn:
            post_id: UUID = await conn.fetchval(
                "INSERT INTO posts (author_id, body, position) VALUES ($1, $2, uuidv7()) RETURNING id",
                author,
                body,
            )
            await conn.execute("INSERT INTO post_stats (post_id) VALUES ($1)", post_id)
            payload = {"authorId": str(author), "mentionedIds": [], "changed": ["body"]}
            await emit(conn, type, actor_id=author, entity=("post", post_id), payload=payload)
        return post_id

    async def queue(self, webhook_id: UUID, author: UUID, count: int) -> None:
        """Queue `count` deliveries of a webhook without a batch, and make its lane due."""
        await self.run(
            """WITH posted AS (
                INSERT INTO posts (author_id, body, position)
                SELECT $2, 'A post.', uuidv7() FROM generate_series(1, $3::integer)
                RETURNING id
            ),
            counted AS (INSERT INTO post_stats (post_id) SELECT id FROM posted),
            told AS (
                SELECT emit('post.created', $2, 'post', p.id, jsonb_build_object('authorId', $2::uuid), '{}')
                    AS event_id
                FROM posted AS p
            ),
            woken AS (UPDATE webhooks SET due_at = now() WHERE id = $1)
            INSERT INTO webhook_deliveries (webhook_id, event_id, event_at, type)
            SELECT $1, t.event_id, now(), 'post.created' FROM told AS t""",
            webhook_id,
            author,
            count,
        )

    async def deliver(self) -> None:
        """Deliver the outbox, as workers do."""
        await Delivery(self.database, drop, PRODUCT).drain()

    async def of(self, webhook_id: UUID) -> Any:
        """Return the row of a webhook."""
        return (await self.run("SELECT * FROM webhooks WHERE id = $1", webhook_id))[0]

    async def deliveries(self, webhook_id: UUID) -> list[Any]:
        """Return its deliveries, the oldest first."""
        return await self.run(
            "SELECT * FROM webhook_deliveries WHERE webhook_id = $1 ORDER BY id", webhook_id
        )

    async def pending(self, *webhook_ids: UUID) -> int:
        """Count the pending deliveries of these webhooks."""
        found: int = await self.value(
            "SELECT count(*) FROM webhook_deliveries WHERE webhook_id = ANY($1) AND status = 'pending'",
            list(webhook_ids),
        )
        return found

    @asynccontextmanager
    async def sending(self, pace: Pace = HURRY, **settings: Any) -> AsyncIterator[Webhooks]:
        """Run a worker that sends, also to loopback, while the block runs."""
        config = replace(self.config, **{"outbound_allow": ("127.0.0.1",), **settings})
        webhooks = Webhooks(self.database, config, PRODUCT, f"worker-{next(numbers)}", pace)
        running = asyncio.create_task(webhooks.run())
        try:
            yield webhooks
        finally:
            await webhooks.close()
            await running


async def settled(hooks: Hooks, *webhook_ids: UUID) -> None:
    """Wait until these webhooks have no pending delivery."""

    async def check() -> bool:
        return await hooks.pending(*webhook_ids) == 0

    await wait_until(check)


def work(config: Config, pace: Pace) -> None:
    """Send webhooks, also to loopback, until the process is killed."""

    async def run() -> None:
        database = Database(config)
        await database.open()
        allowed = replace(config, outbound_allow=("127.0.0.1",))
        await Webhooks(database, allowed, PRODUCT, f"process-{os.getpid()}", pace).run()

    asyncio.run(run())

"""Helpers of the tests of sending: notifications with planned deliveries, and their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from nexcorp.db import Database

DUE = "UPDATE deliveries SET due_at = now(), claimed_until = NULL WHERE state = 'waiting'"


@dataclass
class Plans:
    """Writes notifications and deliveries directly, as a worker's batch does."""

    database: Database

    async def run(self, text: str, *arguments: Any) -> Any:
        """Run a statement; return its first row."""
        async with self.database.connection(wait=5) as conn:
            return await conn.fetchrow(text, *arguments)

    async def person(self, name: str = "", **columns: Any) -> UUID:
        """Create a person with a verified address; return the id."""
        name = name or f"p{uuid4().hex[:10]}"
        row = await self.run(
            """INSERT INTO users (email, username, first_name, email_verified_at)
            VALUES ($1 || '@example.com', $1, $2, now()) RETURNING id""",
            name,
            columns.get("first_name"),
        )
        found: UUID = row["id"]
        return found

    async def post(self, author: UUID, title: str = "A plan") -> UUID:
        """Create a published project post; return its id."""
        row = await self.run(
            """INSERT INTO posts (author_id, type, status, title, body, position)
            VALUES ($1, 'project', 'open', $2, 'Text', uuidv7()) RETURNING id""",
            author,
            title,
        )
        found: UUID = row["id"]
        return found

    async def tell(
        self,
        receiver: UUID,
        *,
        actor: UUID | None = None,
        type: str = "follow",
        variant: str = "",
        entity: tuple[str, UUID] | None = None,
        channel: str = "email",
        target: str = "",
        frame_seq: int = 1,
        due: str = "0 seconds",
    ) -> UUID:
        """Create a notification and a delivery of it; return the notification's id."""
        kind, entity_id = entity or (None, None)
        row = await self.run(
            """WITH n AS (
                INSERT INTO notifications (
                    receiver_id, event_id, actor_id, type, variant, entity_type, entity_id, why
                )
                VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6, 'watcher') RETURNING id
            ),
            counted AS (
                INSERT INTO notification_counters AS c (user_id, unread) VALUES ($1, 1)
                ON CONFLICT (user_id) DO UPDATE SET unread = c.unread + 1
            )
            INSERT INTO deliveries (notification_id, channel, target, receiver_id, frame_seq, due_at)
            SELECT n.id, $7, $8, $1, $9, now() + $10::text::interval FROM n RETURNING notification_id""",
            receiver,
            actor,
            type,
            variant,
            kind,
            entity_id,
            channel,
            target,
            frame_seq,
            due,
        )
        found: UUID = row["notification_id"]
        return found

    async def look(self, notification_id: UUID) -> tuple[str, str | None]:
        """Return state and reason of the notification's delivery."""
        row = await self.run(
            "SELECT state, reason FROM deliveries WHERE notification_id = $1", notification_id
        )
        return row["state"], row["reason"]

    async def attempts(self, notification_id: UUID) -> list[str]:
        """Return the outcomes of its attempts, in order."""
        async with self.database.connection(wait=5) as conn:
            rows = await conn.fetch(
                "SELECT outcome FROM delivery_attempts WHERE notification_id = $1 ORDER BY at, outcome",
                notification_id,
            )
        return [row["outcome"] for row in rows]

"""A worker alone, its outbox, and people to tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.delivery import emit
from workers.settings import serve


@pytest.fixture
async def worker(config: Config) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A running worker; calling the fixture's value stops it."""
    stop = asyncio.Event()
    running = asyncio.create_task(serve(config, stop))

    async def end() -> None:
        stop.set()
        await running

    yield end
    await end()


@pytest.fixture
def people(database: Database) -> Callable[[int], Awaitable[list[UUID]]]:
    """`await people(3)`: the ids of new, active users, in order."""

    async def make(count: int) -> list[UUID]:
        async with database.transaction(wait=5) as conn:
            rows = await conn.fetch(
                """INSERT INTO users (email, username)
                SELECT name || '@example.com', name
                FROM generate_series(1, $1::integer) AS n, LATERAL (SELECT $2 || n) AS named (name)
                RETURNING id""",
                count,
                f"p{uuid4().hex[:8]}_",
            )
        return sorted(row["id"] for row in rows)

    return make


Comment = Callable[..., Awaitable[None]]


@pytest.fixture
def comment(database: Database) -> Comment:
    """`await comment(actor, mentioned=[...], author=...)`: emits comment.created; `spoil` drops a key.

    There is no comment, only its event: what is told of it is rendered as gone.
    """

    async def emit_comment(
        actor: UUID,
        *,
        mentioned: list[UUID] | None = None,
        author: UUID | None = None,
        post: UUID | None = None,
        spoil: str | None = None,
        conn: Any = None,
    ) -> None:
        post, comment_id = post or uuid4(), uuid4()
        payload = {
            "postId": str(post),
            "mentionedIds": [str(user) for user in mentioned or []],
            "parentAuthorId": None,
            "postAuthorId": str(author) if author else None,
            "onDraft": False,
        }
        payload.pop(spoil or "", None)
        what: Any = {"actor_id": actor, "entity": ("comment", comment_id), "payload": payload, "root": post}
        if conn is not None:
            await emit(conn, "comment.created", **what)
            return
        async with database.transaction(wait=5) as own:
            await emit(own, "comment.created", **what)

    return emit_comment


class Pushed:
    """Stands where Redis is: keeps what was pushed."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, messages: list[Any]) -> None:
        self.messages += messages

    def seqs(self, room: str) -> list[int]:
        """The numbers pushed to a room, in the order of pushing."""
        return [seq for message in self.messages if message.room == room for seq, _ in message.frames]

    def frames(self, room: str) -> list[dict[str, Any]]:
        """The frames pushed to a room, as clients get them."""
        return [
            json.loads(text)
            for message in self.messages
            if message.room == room
            for _, text in message.frames
        ]


@pytest.fixture
def pushed() -> Pushed:
    """What a Delivery pushes, for `Delivery(database, pushed, PRODUCT)`."""
    return Pushed()

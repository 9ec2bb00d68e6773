"""A worker alone, its outbox, and people to notify."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import pytest

from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.delivery import emit
from tests.webhookserver import Receiver, run_receiver
from tests.workers.webhooks import Hooks
from workers.settings import serve


@pytest.fixture
async def worker(config: Config) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A running worker; call the value to stop it."""
    stop = asyncio.Event()
    running = asyncio.create_task(serve(config, stop))

    async def end() -> None:
        stop.set()
        await running

    yield end
    await end()


@pytest.fixture
def people(database: Database) -> Callable[[int], Awaitable[list[UUID]]]:
    """`await people(3)` creates active users; returns their ids, sorted."""

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
INSERT_POST = "INSERT INTO posts (id, author_id, body) VALUES ($1, $2, 'a post')"
INSERT_COMMENT = "INSERT INTO comments (id, post_id, author_id, body) VALUES ($1, $2, $3, 'a comment')"


@pytest.fixture
def comment(database: Database) -> Comment:
    """`await comment(actor, mentioned=[...], author=...)` creates a comment and its event; `spoil` drops a
    key of the payload. The post is a bare row: rooms see the comment as deleted, its receivers do not."""
    posts: set[UUID] = set()
    making = asyncio.Lock()

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
        async with making:
            if post not in posts:
                # Committed at once, so that writers of comments on it do not wait for each other.
                async with database.transaction(wait=5) as own:
                    await own.execute(INSERT_POST, post, actor)
                posts.add(post)
        what: Any = {"actor_id": actor, "entity": ("comment", comment_id), "payload": payload, "root": post}
        async with AsyncExitStack() as stack:
            conn = conn or await stack.enter_async_context(database.transaction(wait=5))
            await conn.execute(INSERT_COMMENT, comment_id, post, actor)
            await emit(conn, "comment.created", **what)

    return emit_comment


class Pushed:
    """A stand-in for Redis that keeps the pushed messages."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def __call__(self, messages: list[Any]) -> None:
        self.messages += messages

    def seqs(self, room: str) -> list[int]:
        """Return the numbers pushed to a room, in the order of pushing."""
        return [seq for message in self.messages if message.room == room for seq, _ in message.frames]

    def frames(self, room: str) -> list[dict[str, Any]]:
        """Return the frames pushed to a room, as clients get them."""
        return [
            json.loads(text)
            for message in self.messages
            if message.room == room
            for _, text in message.frames
        ]


@pytest.fixture
def pushed() -> Pushed:
    """Collects the pushes of `Delivery(database, pushed, PRODUCT)`."""
    return Pushed()


@pytest.fixture
async def hooks(database: Database, config: Config) -> Hooks:
    """Creates webhooks and events."""
    return Hooks(database, config)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A server that receives webhooks."""
    async with run_receiver() as found:
        yield found

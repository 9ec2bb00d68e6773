"""Writers: each write is in the ledger before it is sent, and is repeated until it is acknowledged."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.chaos.ledger import Entry, Ledger
from tests.chaos.people import Api, Person

REPLY_SHARE = 0.2
MAX_MENTIONED = 3


@dataclass
class Post:
    """A post to comment on; its author is notified of each comment."""

    id: UUID
    author_id: UUID


@dataclass
class Stage:
    """State that the writers share: posts to comment on, people to mention, comments to reply to."""

    posts: Sequence[Post]
    audience: Sequence[Person]
    written: list[tuple[UUID, UUID, UUID]] = field(default_factory=list)


class Writer:
    """Comments on posts, mentions people and replies. `use_key`: False omits the Idempotency-Key."""

    def __init__(
        self,
        api: Api,
        person: Person,
        ledger: Ledger,
        stage: Stage,
        rng: random.Random,
        *,
        pace: float = 0.03,
        use_key: bool = True,
    ) -> None:
        self.api, self.person, self.ledger, self.stage, self.rng = api, person, ledger, stage, rng
        self.pace, self.use_key = pace, use_key
        self.acknowledged = 0
        # time.monotonic() of each acknowledgement.
        self.moments: list[float] = []
        self._count = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Write until told to stop; the last write is repeated until it is acknowledged."""
        while not stop.is_set():
            await self.write()
            await asyncio.sleep(self.rng.uniform(0, 2 * self.pace))

    async def write(self) -> UUID:
        """Write one comment: note it, send it until it is acknowledged, note that; return its id."""
        post = self.rng.choice(self.stage.posts)
        mentioned = self.rng.sample(self.stage.audience, self.rng.randint(1, MAX_MENTIONED))
        receivers = {post.author_id, *(person.id for person in mentioned)}
        self._count += 1
        key = f"{self.person.username}-{self._count}"
        body = " ".join([key, *(f"@{person.username}" for person in mentioned)])
        data = {"postId": str(post.id), "body": body}
        replies = [row for row in self.stage.written[-50:] if row[1] == post.id]
        if replies and self.rng.random() < REPLY_SHARE:
            parent_id, _, parent_author = self.rng.choice(replies)
            data["parentId"] = str(parent_id)
            receivers.add(parent_author)
        entry = Entry(key, post.id, self.person.id, body, frozenset(receivers - {self.person.id}))
        await self.ledger.intend(entry)
        headers = {"Idempotency-Key": key} if self.use_key else {}
        answer = await self.api.call("POST", "/api/v1/comments", self.person, json=data, headers=headers)
        comment_id = UUID(answer["id"])
        await self.ledger.acknowledge(key, comment_id)
        self.acknowledged += 1
        self.moments.append(time.monotonic())
        self.stage.written.append((comment_id, post.id, self.person.id))
        return comment_id

"""Live answers: readers get pushed parts, and read missed parts from PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import Database, sql
from nexcorp.domain.answers import CHANNEL, Part, unpack_parts
from nexcorp.errors import TooManyRequests, Unavailable
from nexcorp.features.ai.errors import ChatMessageNotFound
from nexcorp.realtime.hub import Hub
from nexcorp.realtime.node import NODE, Node

POLL_SECONDS = 1.0
# Idle polls after which a reader looks in PostgreSQL for lost pushes; without pushes every poll does.
CHECK_POLLS = 5
# Parts queued for a reader; one that falls further behind reads from PostgreSQL.
MOST_WAITING = 200
LIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Delta:
    """Text at `offset`, in characters; the answer then ends at `position`."""

    offset: int
    text: str
    position: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """A new attempt writes the answer from its start: discard the text so far."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer has ended."""

    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Quiet:
    """No text for a second, or no connection to PostgreSQL."""


class Follower:
    """A reader of one answer, from a position on: (attempt, offset)."""

    def __init__(self, message_id: UUID, owner_id: UUID, attempt: int, offset: int) -> None:
        self.message_id, self.owner_id = message_id, owner_id
        self.attempt, self.offset = attempt, offset
        self._parts: deque[Part] = deque()
        self._wake = asyncio.Event()
        self._behind = True

    def take(self, part: Part) -> None:
        """Queue a pushed part; if the queue is full, read from PostgreSQL instead."""
        if len(self._parts) >= MOST_WAITING:
            self._parts.clear()
            self._behind = True
        self._parts.append(part)
        self._wake.set()

    def check_soon(self) -> None:
        """Read from PostgreSQL soon: a push may have been lost."""
        self._behind = True
        self._wake.set()

    async def follow(
        self, database: Database, is_pushed: Any
    ) -> AsyncIterator[Delta | Restarted | Ended | Quiet]:
        """Yield events up to Ended. `is_pushed()`: whether pushes arrive. Raises ChatMessageNotFound."""
        polls = 0
        while True:
            if self._behind:
                self._behind = False
                polls = 0
                try:
                    async for event in self._read(database):
                        yield event
                        if isinstance(event, Ended):
                            return
                except (Unavailable, TooManyRequests):
                    # Another query costs less than a client that reconnects.
                    await asyncio.sleep(POLL_SECONDS)
                    self._behind = True
                    yield Quiet()
                    continue
            while self._parts and not self._behind:
                part = self._parts.popleft()
                if part.text is None or part.attempt > self.attempt or part.start > self.offset:
                    self._behind = True
                elif part.attempt == self.attempt and part.start + len(part.text) > self.offset:
                    yield self._advance(part.text[self.offset - part.start :])
            if self._behind:
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                polls += 1
                self._behind = polls >= CHECK_POLLS or not is_pushed()
                yield Quiet()

    def _advance(self, text: str) -> Delta:
        offset = self.offset
        self.offset += len(text)
        return Delta(offset, text, f"{self.attempt}.{self.offset}")

    async def _read(self, database: Database) -> AsyncIterator[Delta | Restarted | Ended]:
        async with database.connection() as conn:
            row = await sql.ai_answers.read_on(
                conn,
                message_id=self.message_id,
                owner_id=self.owner_id,
                attempt=self.attempt,
                after=self.offset,
            )
        if row is None:
            raise ChatMessageNotFound()
        if row["attempt"] != self.attempt or row["start"] != self.offset:
            if self.offset:
                yield Restarted(row["attempt"])
            self.attempt, self.offset = row["attempt"], row["start"]
        if row["text"]:
            yield self._advance(row["text"])
        if row["status"] not in LIVE:
            yield Ended(row["status"], row["reason"])


class Answers:
    """A companion of the node that hands pushed parts to this process's readers, which have no sockets."""

    channel = CHANNEL

    def __init__(self, node: Node) -> None:
        self.node = node
        self.hub = Hub()
        self._followers: dict[UUID, set[Follower]] = {}
        self.draining = False

    def join(self, follower: Follower) -> None:
        """Register a reader for pushes. Call it before the reader reads from PostgreSQL."""
        self._followers.setdefault(follower.message_id, set()).add(follower)

    def leave(self, follower: Follower) -> None:
        """Unregister a reader."""
        readers = self._followers.get(follower.message_id, set())
        readers.discard(follower)
        if not readers:
            self._followers.pop(follower.message_id, None)

    def count(self, owner_id: UUID) -> int:
        """Return how many readers a user has in this process."""
        return sum(one.owner_id == owner_id for readers in self._followers.values() for one in readers)

    def receive(self, data: bytes) -> None:
        """See Companion."""
        for part in unpack_parts(data):
            for follower in self._followers.get(part.message_id, ()):
                follower.take(part)

    def check_soon(self) -> None:
        """See Companion."""
        for readers in self._followers.values():
            for follower in readers:
                follower.check_soon()

    def check_rights(self) -> None:
        """Do nothing: each reader checks every second whether it may go on."""

    def work(self) -> Iterable[Coroutine[Any, Any, Any]]:
        """Return no background tasks."""
        return ()

    async def drain(self) -> None:
        """End all streams, so that clients reconnect to another node."""
        self.draining = True
        self.check_soon()


ANSWERS = web.AppKey("ai_answers", Answers)


def set_up(app: web.Application) -> None:
    """Register the companion that receives answers in this process."""
    app[ANSWERS] = Answers(app[NODE])
    app[NODE].accompany(app[ANSWERS])

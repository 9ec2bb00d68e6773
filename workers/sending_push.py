"""Pushes of notifications to browsers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID
from weakref import WeakValueDictionary

from nexcorp.db import Database
from nexcorp.features.push.targets import find_targets, note_outcomes
from nexcorp.integrations.notice_texts import name_bundle, write_push
from nexcorp.integrations.push import MAX_PAYLOAD_BYTES, Pusher, Urgency
from nexcorp.integrations.push import Outcome as Answer
from nexcorp.manifest import Product
from workers import POOL_WAIT_SECONDS
from workers.sending import Message, Outcome

POLL_SECONDS = 1.0
# Concurrent messages to one push service: one that hangs leaves places to the others.
ABREAST = 8
# A message that waits longer for one of these is given back: it would block messages to other services.
PLACE_SECONDS = 2.0
BACK_SECONDS = 5.0
# After this many messages in a row without an answer, or slower than this, a push service rests.
MOST_SILENT = 3
SLOW_SECONDS = 5.0
REST_SECONDS = 60.0
MOST_KNOWN = 1000
# The topic of a person's summaries, of which a browser shows the last.
SUMMARY = "summary"


class PushChannel:
    """Web Push through `pusher`. `base_url`: the public address of the service."""

    name = "push"
    most = 64
    rest = POLL_SECONDS

    def __init__(self, pusher: Pusher, product: Product, base_url: str) -> None:
        self.pusher, self.sentences, self.base_url = pusher, product.sentences, base_url
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._silent: Counter[str] = Counter()
        self._resting: dict[str, float] = {}
        self._outcomes: dict[UUID, Answer] = {}

    async def begin(self, database: Database) -> None:
        """Record the outcomes by subscription, which removes ended ones; end the rest of push services."""
        now = time.monotonic()
        for origin in [origin for origin, until in self._resting.items() if until <= now]:
            del self._resting[origin], self._silent[origin]
        outcomes, self._outcomes = self._outcomes, {}
        if outcomes:
            async with database.connection(wait=POOL_WAIT_SECONDS) as conn:
                await note_outcomes(conn, outcomes)

    async def prepare(self, database: Database, messages: Sequence[Message]) -> None:
        """Read the subscriptions of the messages."""
        async with database.connection(wait=POOL_WAIT_SECONDS) as conn:
            targets = await find_targets(conn, {one.user_id for one in messages})
        found = {str(one.id): one.subscription for several in targets.values() for one in several}
        for message in messages:
            message.to = found.get(message.first["_target"])

    @asynccontextmanager
    async def turn(self, message: Message) -> AsyncIterator[str | None]:
        """A place at the subscription's push service; yields the service's name, empty if the subscription is
        gone, or None if no place became free in time."""
        origin = urlsplit(message.to.endpoint).netloc if message.to is not None else ""
        place = self._places.get(origin)
        if place is None:
            place = self._places[origin] = asyncio.Semaphore(ABREAST)
        try:
            await asyncio.wait_for(place.acquire(), PLACE_SECONDS)
        except TimeoutError:
            yield None
            return
        try:
            yield origin
        finally:
            place.release()

    async def send(self, message: Message, held: str | None) -> Outcome:
        """Send the message to the push service `held`."""
        if held is None:
            return Outcome("back", wait=BACK_SECONDS)
        if message.to is None:
            return Outcome("gone", reason="no_subscription")
        if (wait := self._resting.get(held, 0.0) - time.monotonic()) > 0:
            return Outcome("back", wait=wait)
        topic, payload = self.write(message)
        urgency: Urgency = "high" if is_urgent(message) else "normal"
        began = time.monotonic()
        said = await self.pusher.send(message.to, payload, topic=topic, urgency=urgency)
        self._outcomes[UUID(message.first["_target"])] = said
        silent = said.state == "later" and not said.code.isdigit()
        self._judge(held, silent=silent or time.monotonic() > began + SLOW_SECONDS)
        if said.state != "later":
            return Outcome(said.state, said.code)
        return Outcome("failed", said.code, wait=said.retry_after)

    def _judge(self, origin: str, *, silent: bool) -> None:
        """Count slow and missing answers of a push service; after MOST_SILENT in a row it rests."""
        if not silent:
            self._silent.pop(origin, None)
            return
        if origin not in self._silent and len(self._silent) >= MOST_KNOWN:
            # Origins come from users: there may be any number of them, and most never answer again.
            self._silent.clear()
        self._silent[origin] += 1
        if self._silent[origin] >= MOST_SILENT:
            self._resting[origin] = time.monotonic() + REST_SECONDS

    async def follow(self, database: Database, message: Message, outcome: Outcome) -> None:
        """Do nothing: begin() records the outcomes of many."""

    async def close(self) -> None:
        """Close the connections to push services."""
        await self.pusher.close()

    def write(self, message: Message) -> tuple[str, bytes]:
        """Return the topic, of whose messages a browser shows only the last, and the message."""
        row = message.first
        shown = self.sentences.show(row)
        common: dict[str, Any] = {"unread": row["_unread"], "base": self.base_url, "most": MAX_PAYLOAD_BYTES}
        if message.bundle is not None:
            title = name_bundle(message.bundle, len(message.rows))
            return SUMMARY, write_push(shown, title=title, tag=SUMMARY, **common)
        topic = (row["groupId"] or row["_entityId"] or row["id"]).hex
        return topic, write_push(shown, tag=topic, **common)


def is_urgent(message: Message) -> bool:
    """Whether a message should arrive at once, even if the battery is low."""
    return any(row["_critical"] or row["_why"] == "mentioned" for row in message.rows)

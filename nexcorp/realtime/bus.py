"""Redis between the nodes: a push that may be lost without harm, see positions.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from nexcorp.logs import seldom
from nexcorp.realtime.metrics import PUBLISHED
from nexcorp.realtime.protocol import RoomMessage, pack_messages, unpack_messages
from nexcorp.redis_client import CONNECTION_LOST, Demoted, Failover
from nexcorp.security.revocations import Revoked

log = structlog.get_logger("nexcorp.bus")

FRAMES_CHANNEL = "nexcorp:frames"
REVOKED_CHANNEL = "nexcorp:revoked"
SILENCE_SECONDS = 5.0
LOOK_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 2.0
# How long publishing is left out after it failed, so that a hanging Redis cannot slow delivery.
REST_SECONDS = 1.0
PUSH_SECONDS = 0.5
# Each payload costs a worker and every node a round through the client; a large one holds others up.
ROOMS_A_PAYLOAD = 50
# After so long without a push the publisher asks whether its connection still lives.
CHECK_SECONDS = 15


class Publisher:
    """The sending side."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._rest_until = 0.0

    async def publish_frames(self, messages: list[RoomMessage]) -> None:
        """Push one message per room, many in a payload; a failure is logged and made up for elsewhere."""
        payloads = [
            (FRAMES_CHANNEL, pack_messages(messages[at : at + ROOMS_A_PAYLOAD]))
            for at in range(0, len(messages), ROOMS_A_PAYLOAD)
        ]
        await self._publish(payloads)

    async def publish_revoked(self, revoked: Revoked) -> None:
        """Tell every node what became worthless."""
        await self._publish([(REVOKED_CHANNEL, msgspec.json.encode(revoked))])

    async def _publish(self, payloads: list[tuple[str, bytes]]) -> None:
        if not payloads or time.monotonic() < self._rest_until:
            return
        try:
            async with asyncio.timeout(PUSH_SECONDS), self.client.pipeline(transaction=False) as pipe:
                for channel, payload in payloads:
                    pipe.publish(channel, payload)
                await pipe.execute()
            PUBLISHED.labels("out").inc(len(payloads))
        except CONNECTION_LOST as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            if seldom("push"):
                log.warning("redis push failed", error=type(error).__name__)


class Listener:
    """The receiving side of a web node."""

    def __init__(
        self,
        client: Any,
        *,
        on_message: Callable[[RoomMessage], None],
        on_revoked: Callable[[Revoked], None],
        on_connected: Callable[[], None],
    ) -> None:
        self.client = client
        self.on_message, self.on_revoked, self.on_connected = on_message, on_revoked, on_connected
        self.connected = False

    async def run(self) -> None:
        """Listen until cancelled. Every new subscription is reported: what came before it may be lost."""
        backoff = 0.1
        while True:
            try:
                async with self.client.pubsub() as subscription:
                    # A connection may be taken by something that never says a word on it.
                    async with asyncio.timeout(SILENCE_SECONDS):
                        await subscription.subscribe(FRAMES_CHANNEL, REVOKED_CHANNEL)
                    self.connected, backoff = True, 0.1
                    self.on_connected()
                    await self._listen(subscription)
            except CONNECTION_LOST as error:
                if self.connected:
                    log.warning("redis subscription lost", error=type(error).__name__)
                self.connected = False
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)

    async def _listen(self, subscription: Any) -> None:
        unanswered, heard, left = False, time.monotonic(), Failover.left
        while True:
            message = await subscription.get_message(timeout=min(LOOK_SECONDS, SILENCE_SECONDS))
            if Failover.left != left:
                # Nobody writes there any more, so there is no error to see either.
                raise Demoted("redis has become a replica")
            if message is None:
                if time.monotonic() - heard < SILENCE_SECONDS:
                    continue
                # redis-py notices a peer that went away without a word only by asking.
                if unanswered:
                    raise TimeoutError("redis does not answer")
                await subscription.ping()
                unanswered, heard = True, time.monotonic()
                continue
            unanswered, heard = False, time.monotonic()
            if message["type"] != "message":
                continue
            PUBLISHED.labels("in").inc()
            try:
                self._dispatch(message["channel"], message["data"])
            except Exception:
                log.exception("a bus message could not be handled")

    def _dispatch(self, channel: bytes, data: bytes) -> None:
        if channel == FRAMES_CHANNEL.encode():
            for message in unpack_messages(data):
                self.on_message(message)
        else:
            self.on_revoked(msgspec.json.decode(data, type=Revoked))

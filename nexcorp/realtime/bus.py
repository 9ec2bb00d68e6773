"""Redis between the nodes: a push that may be lost without harm, see positions.py.

What is pushed comes to every node on one channel, many rooms in a payload. Beside it, each node subscribes
to a channel for each room that has members there, on which nothing is ever said: by asking who subscribes, a
worker knows which rooms are heard anywhere, and renders and pushes for these alone. Where a node dies, Redis
forgets its rooms with its connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

import msgspec
import structlog
from redis.exceptions import TimeoutError as RedisTimeout

from nexcorp.background import end_tasks
from nexcorp.logs import seldom
from nexcorp.realtime.metrics import PUBLISHED
from nexcorp.realtime.protocol import RoomMessage, pack_messages, unpack_messages
from nexcorp.redis_client import CONNECTION_LOST, Demoted, Failover
from nexcorp.security.revocations import Revoked

log = structlog.get_logger("nexcorp.bus")

FRAMES_CHANNEL = "nexcorp:frames"
REVOKED_CHANNEL = "nexcorp:revoked"
# Before the name of a room.
ROOM_CHANNEL = "nexcorp:room:"
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
# How long a socket that joins waits until workers know of its room.
FOLLOW_SECONDS = 0.25
# Redis takes the names in one go, and answers one by one.
ROOMS_A_COMMAND = 1000


unpack_revoked = msgspec.json.Decoder(Revoked).decode


class Publisher:
    """The sending side."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._rest_until = 0.0

    async def list_heard(self, names: Collection[str]) -> set[str]:
        """Those of these rooms that have members on some node; no room while Redis cannot be asked."""
        if not names or time.monotonic() < self._rest_until:
            return set()
        counts = await self._try(lambda: self._count_heard(names))
        return {channel.decode().partition(ROOM_CHANNEL)[2] for channel, count in counts or () if count}

    async def _count_heard(self, names: Collection[str]) -> Iterable[tuple[bytes, int]]:
        counts: list[Any] = await self.client.pubsub_numsub(*(ROOM_CHANNEL + name for name in names))
        return counts

    async def publish_frames(self, messages: list[RoomMessage]) -> None:
        """Push one message per room, many in a payload; a failure is logged and made up for elsewhere."""
        payloads = [
            (FRAMES_CHANNEL, pack_messages(messages[at : at + ROOMS_A_PAYLOAD]))
            for at in range(0, len(messages), ROOMS_A_PAYLOAD)
        ]
        await self.publish(payloads)

    async def publish_revoked(self, revoked: Revoked) -> None:
        """Tell every node what became worthless."""
        await self.publish([(REVOKED_CHANNEL, msgspec.json.encode(revoked))])

    async def publish(self, payloads: list[tuple[str, bytes]]) -> bool:
        """Send payloads, each on its channel; returns whether Redis took them.

        A failure is logged, and nothing is sent for a while.
        """
        if not payloads:
            return True
        if time.monotonic() < self._rest_until:
            return False

        if not await self._try(lambda: self._send(payloads)):
            return False
        PUBLISHED.labels("out").inc(len(payloads))
        return True

    async def _send(self, payloads: list[tuple[str, bytes]]) -> bool:
        async with self.client.pipeline(transaction=False) as pipe:
            for channel, payload in payloads:
                pipe.publish(channel, payload)
            await pipe.execute()
        return True

    async def _try(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """What Redis answers; None where it does not, and then nothing is tried for a while.

        A connection of before a restart of Redis fails at its first use, and the next one works: what is said
        twice harms nobody.
        """
        for is_last in (False, True):
            try:
                async with asyncio.timeout(PUSH_SECONDS):
                    return await call()
            except CONNECTION_LOST as error:
                if is_last or isinstance(error, TimeoutError | RedisTimeout):
                    self._rest(error)
                    return None
        return None

    def _rest(self, error: Exception) -> None:
        self._rest_until = time.monotonic() + REST_SECONDS
        if seldom("push"):
            log.warning("redis push failed", error=type(error).__name__)


class Listener:
    """The receiving side of a web node.

    `rooms`: those with members here, as they are now. `on_late` is told the name of a room whose first frames
    may have gone by, as Redis was slow to hear of it. `others`: channels beside those of rooms, with what is
    called with each payload; they are put in before run().
    """

    # Of redis-py's answers: a channel was subscribed to; something was said on it.
    JOINED, SAID = "subscribe", "message"

    def __init__(
        self,
        client: Any,
        *,
        rooms: Collection[str],
        on_message: Callable[[RoomMessage], None],
        on_revoked: Callable[[Revoked], None],
        on_connected: Callable[[], None],
        on_late: Callable[[str], None],
    ) -> None:
        self.client, self.rooms = client, rooms
        self.room_channel, self.last = ROOM_CHANNEL, REVOKED_CHANNEL
        self.on_message, self.on_revoked = on_message, on_revoked
        self.on_connected, self.on_late = on_connected, on_late
        self.others: dict[str, Callable[[bytes], None]] = {}
        self.connected = False
        # Rooms that this connection has asked for, and whether Redis has said so; None without a connection.
        self._followed: dict[str, bool] | None = None
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._rest_until = 0.0

    def note_changed(self, name: str) -> None:
        """A room has its first member here, or lost its last."""
        if self._followed is not None:
            self._changed.add(name)
            self._wake.set()

    async def follow(self, name: str) -> None:
        """Wait until workers know of a room that note_changed() was told of; read its past only then.

        Redis that is slow is not waited for: `on_late` follows when it has answered.
        """
        if not self.connected or self._followed is None or self._followed.get(name):
            return
        known = self._waiting.get(name)
        if known is None:
            known = self._waiting[name] = asyncio.get_running_loop().create_future()
        if time.monotonic() >= self._rest_until:
            await asyncio.wait([known], timeout=FOLLOW_SECONDS)
        if not known.done():
            self._rest_until = time.monotonic() + REST_SECONDS
            known.add_done_callback(lambda _: self.on_late(name))

    async def run(self) -> None:
        """Listen until cancelled. Every new subscription is reported: what came before it may be lost."""
        backoff = 0.1
        while True:
            try:
                async with self.client.pubsub() as subscription:
                    self._followed, self._changed = {}, set(self.rooms)
                    # A connection may be taken by something that never says a word on it.
                    async with asyncio.timeout(SILENCE_SECONDS):
                        await self._subscribe(subscription)
                        await self._join(subscription, self._list_channels())
                    keeping = asyncio.create_task(self._keep(subscription))
                    try:
                        await self._listen(subscription)
                    finally:
                        # Before the connection is given back: it would make it anew.
                        await end_tasks([keeping])
            except CONNECTION_LOST as error:
                if self.connected:
                    backoff = 0.1
                    log.warning("redis subscription lost", error=type(error).__name__)
                else:
                    backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)
            finally:
                self.connected, self._followed = False, None
                for name in list(self._waiting):
                    self._answer(name)
            await asyncio.sleep(backoff)

    def _list_channels(self) -> list[str]:
        """Those beside the channels of rooms; when the last of them is answered, so are the rooms."""
        return [*self.others, FRAMES_CHANNEL, REVOKED_CHANNEL]

    async def _join(self, subscription: Any, channels: list[str]) -> None:
        await subscription.subscribe(*channels)

    async def _leave(self, subscription: Any, channels: list[str]) -> None:
        await subscription.unsubscribe(*channels)

    def _answer(self, name: str) -> None:
        known = self._waiting.pop(name, None)
        if known is not None and not known.done():
            known.set_result(None)

    async def _keep(self, subscription: Any) -> None:
        """Subscribe to rooms as they come and go. That the connection is lost, _listen() finds out, too."""
        with contextlib.suppress(*CONNECTION_LOST):
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._subscribe(subscription)

    async def _subscribe(self, subscription: Any) -> None:
        followed = self._followed
        while self._changed and followed is not None:
            names = [self._changed.pop() for _ in range(min(ROOMS_A_COMMAND, len(self._changed)))]
            come = [name for name in names if name in self.rooms and name not in followed]
            gone = [name for name in names if name not in self.rooms and name in followed]
            followed.update(dict.fromkeys(come, False))
            for name in gone:
                del followed[name]
                self._answer(name)
            if come:
                await self._join(subscription, [self.room_channel + name for name in come])
            if gone:
                await self._leave(subscription, [self.room_channel + name for name in gone])

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
            if message["type"] == self.JOINED:
                self._note_followed(message["channel"].decode())
            if message["type"] != self.SAID:
                self._note_left(message)
                continue
            PUBLISHED.labels("in").inc()
            try:
                self._dispatch(message["channel"], message["data"])
            except Exception:
                log.exception("a bus message could not be handled")
            # What has arrived already is read without a pause: news of many rooms would hold up others.
            await asyncio.sleep(0)

    def _note_followed(self, channel: str) -> None:
        if channel == self.last:
            self.connected = True
            self.on_connected()
            return
        name = channel.removeprefix(self.room_channel)
        if self._followed is not None and name in self._followed:
            self._followed[name] = True
            self._answer(name)

    def _note_left(self, message: Any) -> None:
        """Anything but news: here it says nothing."""

    def _dispatch(self, channel: bytes, data: bytes) -> None:
        other = self.others.get(channel.decode())
        if other is not None:
            other(data)
        elif channel == FRAMES_CHANNEL.encode():
            for message in unpack_messages(data):
                self.on_message(message)
        else:
            self.on_revoked(unpack_revoked(data))

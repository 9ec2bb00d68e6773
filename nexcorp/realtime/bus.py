"""Redis between the nodes: pushes that may be lost without harm, see positions.py.

Every push goes to all nodes on one channel, many rooms in a payload. Each node also subscribes to one channel
for each room that has members there. Nothing is published on these: a worker counts their subscribers to
learn which rooms have members, and renders and pushes only for those. If a node dies, Redis drops its
connection and with it these subscriptions.
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
# Prefix of a room's channel.
ROOM_CHANNEL = "nexcorp:room:"
SILENCE_SECONDS = 5.0
LOOK_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 2.0
# Pause after a failed publish, so that a hanging Redis cannot slow delivery.
REST_SECONDS = 1.0
PUSH_SECONDS = 0.5
# Each payload costs a worker and every node a round through the client; a large one blocks others.
ROOMS_A_PAYLOAD = 50
# After this long without a push, the publisher checks that its connection is still alive.
CHECK_SECONDS = 15
# How long a joining socket waits for Redis to confirm the room's subscription.
FOLLOW_SECONDS = 0.25
# Redis runs one command with all its names in one go, but answers each name separately.
ROOMS_A_COMMAND = 1000


unpack_revoked = msgspec.json.Decoder(Revoked).decode


class Publisher:
    """The sending side."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._rest_until = 0.0

    async def list_heard(self, names: Collection[str]) -> set[str]:
        """Return those of the rooms that have members on any node; no rooms if Redis does not answer."""
        if not names or time.monotonic() < self._rest_until:
            return set()
        counts = await self._try(lambda: self._count_heard(names))
        return {channel.decode().partition(ROOM_CHANNEL)[2] for channel, count in counts or () if count}

    async def _count_heard(self, names: Collection[str]) -> Iterable[tuple[bytes, int]]:
        counts: list[Any] = await self.client.pubsub_numsub(*(ROOM_CHANNEL + name for name in names))
        return counts

    async def publish_frames(self, messages: list[RoomMessage]) -> None:
        """Push one message per room, many in a payload. A failure is logged; nodes then read PostgreSQL."""
        payloads = [
            (FRAMES_CHANNEL, pack_messages(messages[at : at + ROOMS_A_PAYLOAD]))
            for at in range(0, len(messages), ROOMS_A_PAYLOAD)
        ]
        await self.publish(payloads)

    async def publish_revoked(self, revoked: Revoked) -> None:
        """Tell every node what is no longer valid."""
        await self.publish([(REVOKED_CHANNEL, msgspec.json.encode(revoked))])

    async def publish(self, payloads: list[tuple[str, bytes]]) -> bool:
        """Send each payload on its channel; return whether Redis took them.

        After a failure, which is logged, nothing is sent for REST_SECONDS.
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
        """Return the result of `call`, or None if Redis fails; then nothing is tried for REST_SECONDS.

        A connection from before a restart of Redis fails at its first use, so the call is tried twice:
        publishing the same message twice is harmless.
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

    `rooms`: a live view of the rooms with members here. `on_late(name)` is called for a room whose first
    frames may have been missed because Redis was slow to subscribe. `others`: further channels, with the
    function that takes each payload; fill it before run().
    """

    # Message types of redis-py: a subscription was confirmed; a payload was published.
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
        # Rooms subscribed to here, and whether Redis has confirmed each; None without a connection.
        self._followed: dict[str, bool] | None = None
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._rest_until = 0.0

    def note_changed(self, name: str) -> None:
        """Note that a room got its first member here, or lost its last."""
        if self._followed is not None:
            self._changed.add(name)
            self._wake.set()

    async def follow(self, name: str) -> None:
        """Wait until Redis has subscribed to a room given to note_changed(); read the room's past only then.

        Waits FOLLOW_SECONDS at most; if Redis is slower, `on_late` is called when it has confirmed.
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
        """Listen until cancelled. Each new subscription calls `on_connected`: earlier pushes may be lost."""
        backoff = 0.1
        while True:
            try:
                async with self.client.pubsub() as subscription:
                    self._followed, self._changed = {}, set(self.rooms)
                    # The address may be taken by a program that accepts connections and never answers.
                    async with asyncio.timeout(SILENCE_SECONDS):
                        await self._subscribe(subscription)
                        await self._join(subscription, self._list_channels())
                    keeping = asyncio.create_task(self._keep(subscription))
                    try:
                        await self._listen(subscription)
                    finally:
                        # Before the pool gets the connection back: this task would open it again.
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
        """Channels to subscribe to after the rooms: once the last one is confirmed, so are the rooms."""
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
        """Subscribe to rooms as they come and go. If the connection is lost, end; _listen() raises."""
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
                # Nobody publishes to a replica, and its connection shows no error.
                raise Demoted("redis has become a replica")
            if message is None:
                if time.monotonic() - heard < SILENCE_SECONDS:
                    continue
                # redis-py notices a vanished peer only when it sends something.
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
            # redis-py returns buffered messages without a pause: let other tasks run in between.
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
        """Handle a message that is not a payload; nothing to do on a single Redis."""

    def _dispatch(self, channel: bytes, data: bytes) -> None:
        other = self.others.get(channel.decode())
        if other is not None:
            other(data)
        elif channel == FRAMES_CHANNEL.encode():
            for message in unpack_messages(data):
                self.on_message(message)
        else:
            self.on_revoked(unpack_revoked(data))

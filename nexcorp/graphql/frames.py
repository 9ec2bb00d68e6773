"""A subscription as a listener in a room of the hub: the same frames as at /ws, replayed and live."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from nexcorp.background import end_tasks
from nexcorp.db.encoding import decode
from nexcorp.errors import AppError, InternalError, Invalid, NotFound, PermissionRequired
from nexcorp.graphql.context import Context
from nexcorp.graphql.errors import ResumeLost
from nexcorp.realtime import protocol
from nexcorp.realtime.errors import RoomNotFound
from nexcorp.realtime.joining import catch_up, enter
from nexcorp.realtime.node import NODE
from nexcorp.realtime.socket import DRAIN_BYTES, MAX_BEHIND_BYTES, Socket
from nexcorp.security.tokens import Principal

MAX_SEQ_DIGITS = 18


class Subscription:
    """One subscription of a socket, as a listener of the hub. Frames wait until its own task takes them."""

    def __init__(self, socket: Socket, permission: str) -> None:
        # The permission of its kind of room.
        self.socket, self._permission = socket, permission
        self.rooms: set[str] = set()
        self.closing = False
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._came, self._taken = asyncio.Event(), asyncio.Event()
        self._ended: AppError | None = None

    @property
    def user_id(self) -> UUID:
        """The id of the socket's user."""
        return self.socket.user_id

    @property
    def principal(self) -> Principal:
        """The caller of the socket, as of now."""
        return self.socket.principal

    def write(self, data: bytes) -> None:
        """Keep a frame; if the client is too far behind, cut off its socket instead."""
        if self.closing:
            return
        if self._bytes > MAX_BEHIND_BYTES:
            self.socket.cut_off()
            return
        self._frames.append(data)
        self._bytes += len(data)
        self._came.set()

    def send(self, event: str, data: Any) -> None:
        """Take a frame without a number: `unsubscribed` ends the subscription, all others are ignored."""
        if event == "unsubscribed":
            self._end(PermissionRequired(self._permission))

    def close(self, code: int, reason: str) -> None:
        """End the subscription with ResumeLost: it missed frames that cannot be recovered."""
        self._end(ResumeLost())

    def _end(self, error: AppError) -> None:
        self._ended, self.closing = self._ended or error, True
        self._came.set()
        self._taken.set()

    async def let_drain(self) -> None:
        """Wait while many frames of the past are not taken yet."""
        while self._bytes > DRAIN_BYTES and not (self.closing or self.socket.closing):
            self._taken.clear()
            await self._taken.wait()

    async def take(self) -> dict[str, Any]:
        """Return the next frame; raises the error that ended the subscription."""
        while not self._frames or self._ended is not None:
            if self._ended is not None:
                raise self._ended
            self._came.clear()
            await self._came.wait()
        data = self._frames.popleft()
        self._bytes -= len(data)
        self._taken.set()
        frame: dict[str, Any] = decode(protocol.unwrap(data))
        return frame


def read_position(text: str) -> tuple[str, int]:
    """Return the epoch and the number of `epoch/seq`; raises Invalid."""
    epoch, _, seq = text.rpartition("/")
    if not epoch or not (seq.isascii() and seq.isdigit()) or len(seq) > MAX_SEQ_DIGITS:
        raise Invalid(errors={"after": ["Wants a position, as epoch/seq."]})
    return epoch, int(seq)


async def read_frames(context: Context, room: str, after: str | None) -> AsyncIterator[dict[str, Any]]:
    """Yield a room's frames, `{event, data, room, seq, epoch}`: from behind the position `after`, then live.

    Each sets its position in the context. Raises Invalid or ResumeLost if it cannot start at `after`,
    ResumeLost or PermissionRequired later, and the errors of joining the room.
    """
    if context.socket is None:
        # HTTP executes no subscriptions.
        raise InternalError()
    epoch, seq = (None, None) if after is None else read_position(after)
    node = context.request.app[NODE]
    kind = node.rooms.kinds.get(room.partition(":")[0])
    subscription = Subscription(context.socket, kind.permission if kind is not None else "")
    catching: asyncio.Task[None] | None = None
    try:
        async with context.connection() as conn:
            try:
                await node.rooms.check(conn, subscription.principal, room)
            except RoomNotFound as error:
                raise NotFound(message=error.message) from None
            member, past = await enter(node, subscription, conn, room, epoch, seq)
        if after is not None and not past.recovered:
            raise ResumeLost()
        catching = asyncio.create_task(catch_up(node, subscription, room, member, past))
        while True:
            frame = await subscription.take()
            if "seq" not in frame:
                # An unread count.
                continue
            frame["epoch"] = node.positions.epoch
            context.move(f"{frame['epoch']}/{frame['seq']}")
            yield frame
    finally:
        subscription.closing = True
        node.hub.leave(subscription, room)
        if catching is not None:
            await end_tasks((catching,))

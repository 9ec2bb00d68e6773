"""Sockets whose client asked for batches: frames written within one window go out as one message."""

from __future__ import annotations

import asyncio
from typing import Any

from nexcorp.realtime import protocol
from nexcorp.realtime.inbound import CountedSocket
from nexcorp.realtime.socket import Socket
from nexcorp.security.tokens import Principal

WINDOW_SECONDS = 0.02
# A socket with this many bytes waiting is written at once.
MOST_BYTES = 64 * 1024


class Batches:
    """The sockets of a node that have frames waiting. All are written when the window ends."""

    def __init__(self) -> None:
        self._due: list[BatchedSocket] = []

    def add(self, socket: BatchedSocket) -> None:
        """Flush a socket when the window ends; the first socket opens the window."""
        if not self._due:
            asyncio.get_running_loop().call_later(WINDOW_SECONDS, self._flush)
        self._due.append(socket)

    def _flush(self) -> None:
        due, self._due = self._due, []
        # Sockets in the same rooms wait for the same frames: join these only once.
        made: dict[tuple[bytes, ...], bytes] = {}
        for socket in due:
            socket.flush(made)


class BatchedSocket(Socket):
    """A socket whose text messages are JSON arrays of frames, in the order in which they were written."""

    __slots__ = ("_batches", "_size", "_waiting")

    def __init__(self, ws: CountedSocket, transport: Any, principal: Principal, batches: Batches) -> None:
        super().__init__(ws, transport, principal)
        self._batches = batches
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Keep a frame for the end of the window; pings and pongs go at once."""
        if data[0] != protocol.TEXT:
            super().write(data)
            return
        if self.closing:
            return
        if not self._waiting:
            self._batches.add(self)
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= MOST_BYTES:
            self.flush({})

    def flush(self, made: dict[tuple[bytes, ...], bytes]) -> None:
        """Write the waiting frames. `made`: messages already built in this window, by their frames."""
        if not self._waiting:
            return
        frames, self._waiting, self._size = tuple(self._waiting), [], 0
        message = made.get(frames)
        if message is None:
            message = made[frames] = protocol.wrap_all(frames)
        super().write(message)

    def explain(self, code: int, reason: str) -> None:
        """See Socket. Nothing may follow the close frame, so waiting frames are written before it."""
        super().explain(code, reason)
        self.flush({})

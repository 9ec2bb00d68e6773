"""One client's socket: writes that never wait, and the limits that protect other clients from a slow one."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol
from uuid import UUID, uuid4

from nexcorp.realtime import protocol
from nexcorp.realtime.errors import ENDINGS
from nexcorp.realtime.inbound import CountedSocket
from nexcorp.security.tokens import Principal

MAX_BEHIND_BYTES = 1024 * 1024
MAX_BEHIND_SECONDS = 10.0
# A large message extends the time by its size at this speed.
LEAST_BYTES_PER_SECOND = 128 * 1024
DRAIN_BYTES = 64 * 1024
PING_SECONDS = 25.0
PONG_SECONDS = 10.0
WARN_EXPIRY_SECONDS = 60.0


class Listener(Protocol):
    """A member of rooms: a client's socket, or one subscription on it. Only let_drain() waits for the client,
    and only the task that serves the client calls it.

    `rooms` are the names of its rooms; `write` takes a whole WebSocket frame.
    """

    rooms: set[str]
    closing: bool

    @property
    def user_id(self) -> UUID: ...
    @property
    def principal(self) -> Principal: ...
    def write(self, data: bytes) -> None: ...
    def send(self, event: str, data: Any) -> None: ...
    def close(self, code: int, reason: str) -> None: ...
    async def let_drain(self) -> None: ...


class Socket:
    """A connected client. `rooms` are the names of its rooms; the hub keeps their members."""

    __slots__ = (
        "_behind_since",
        "_transport",
        "_warned",
        "closing",
        "greeted",
        "id",
        "large",
        "last_ping",
        "last_seen",
        "principal",
        "rooms",
        "ws",
    )

    def __init__(self, ws: CountedSocket, transport: Any, principal: Principal) -> None:
        now = time.monotonic()
        self.id = uuid4().hex
        self.ws, self._transport, self.principal = ws, transport, principal
        self.rooms: set[str] = set()
        self.closing = False
        # Whether `connected` was sent, which must be the first frame.
        self.greeted = False
        self.last_ping = self.last_seen = now
        self._behind_since = 0.0
        # Bytes of large messages written since the client had last read everything.
        self.large = 0
        self._warned = False

    @property
    def user_id(self) -> UUID:
        """The id of the user whose socket this is."""
        return self.principal.user_id

    def write(self, data: bytes) -> None:
        """Hand a whole frame to the transport; a client too far behind is cut off instead."""
        if self.closing:
            return
        transport = self._transport
        # uvloop raises on writing to a connection that the peer has cut, before the handler notices.
        if transport is None or transport.is_closing():
            self.closing = True
            return
        waiting = transport.get_write_buffer_size()
        if waiting:
            if waiting > MAX_BEHIND_BYTES + self.large:
                self.cut_off()
                return
            if not self._behind_since:
                self._behind_since = time.monotonic()
            elif self._is_late(time.monotonic()):
                self.cut_off()
                return
        else:
            self._behind_since, self.large = 0.0, 0
        transport.write(data)

    def write_large(self, data: bytes) -> None:
        """Write a message of any size: the client gets more time to read it, and other frames may follow."""
        self.write(data)
        if len(data) > DRAIN_BYTES:
            self.large += len(data)

    def _is_late(self, now: float) -> bool:
        late = self._behind_since + MAX_BEHIND_SECONDS + self.large / LEAST_BYTES_PER_SECOND
        return bool(self._behind_since) and now > late

    def send(self, event: str, data: Any, **more: Any) -> None:
        """Write one frame that has no number."""
        self.write(protocol.wrap_event(event, data, **more))

    def cut_off(self) -> None:
        """Close with 4008 without waiting for the client: unsent bytes are dropped."""
        if self.closing:
            return
        self.closing = True
        if not self._transport.is_closing():
            self._transport.write(protocol.wrap(protocol.TOO_SLOW.to_bytes(2) + b"too slow", protocol.CLOSE))
            self._transport.abort()

    async def let_drain(self) -> None:
        """Wait while a client has much left to read of the past it is sent.

        Only the task that serves this client waits. A client too slow for MAX_BEHIND_SECONDS is cut off.
        """
        deadline = time.monotonic() + MAX_BEHIND_SECONDS
        while not self.closing and self._transport.get_write_buffer_size() > DRAIN_BYTES:
            if time.monotonic() > deadline:
                self.cut_off()
            await asyncio.sleep(0.01)
        self._behind_since = 0.0

    def close(self, code: int, reason: str) -> None:
        """Close with a code, in the background; nothing more is written.

        Browsers show little of a close code, so an `error` frame before it names the reason, if ENDINGS has
        one.
        """
        if self.closing:
            return
        self.explain(code, reason)
        self.closing = True
        task = asyncio.get_running_loop().create_task(self._close(code, reason))
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    def explain(self, code: int, reason: str) -> None:
        """Send the `error` frame for this close code, if ENDINGS has one."""
        ending = ENDINGS.get(code)
        if ending is not None:
            self.send("error", {"code": ending.code, "message": reason.capitalize() + ".", "closeCode": code})

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(5):
                await self.ws.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError, RuntimeError):
            pass
        finally:
            # A half-open connection would keep its unsent bytes until TCP gives up.
            if self._transport is not None:
                self._transport.abort()

    def probe(self) -> None:
        """Ping now: a live client answers, which updates `last_seen`."""
        self.ws.inbound.expect_pong()
        self.write(protocol.wrap(b"", protocol.PING))

    def renew(self, principal: Principal) -> None:
        """Replace the token by a newer one of the same user."""
        self.principal = principal
        self._warned = False

    def seconds_left(self) -> float:
        """The seconds until the token expires."""
        return self.principal.expires_at - time.time()

    def check(self, now: float) -> None:
        """Do what is due at `now` (monotonic): ping, or close on a missing pong or an expired token."""
        if self.closing:
            return
        left = self.seconds_left()
        if left <= 0:
            self.close(protocol.TOKEN_EXPIRED, "token expired")
        elif self.last_seen < self.last_ping and now - self.last_ping > PONG_SECONDS:
            self.close(protocol.NO_PONG, "no pong")
        elif self._is_late(now):
            self._check_behind()
        else:
            if left <= WARN_EXPIRY_SECONDS and not self._warned:
                self._warned = True
                self.send("token-expiring", {"in": round(left)})
            if now - self.last_ping > PING_SECONDS:
                self.last_ping = now
                self.probe()

    def _check_behind(self) -> None:
        # The buffer may have emptied since the last write.
        if self._transport.get_write_buffer_size():
            self.cut_off()
        else:
            self._behind_since, self.large = 0.0, 0


_closing: set[asyncio.Task[None]] = set()

"""Limits on a client's frames, counted before aiohttp assembles, queues or answers them.

aiohttp's reader takes everything that has arrived in one go, and does not report empty fragments: a client
that sends them as fast as it can would keep the event loop busy unnoticed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from nexcorp.realtime import protocol
from nexcorp.security.app_keys import REQUEST_ID
from nexcorp.web.replies import SERVER

MESSAGES_PER_SECOND = 20.0
MESSAGES_BURST = 40.0
# A frame counts once more for each block of this size.
BYTES_A_MESSAGE = 16 * 1024
# Bytes still read and thrown away after a refusal, so that the client can read why it is closed.
REST_BYTES = 256 * 1024
MAX_REST_BYTES = 32 * 1024 * 1024

PONG, FIRST_CONTROL = protocol.PONG & 0x0F, 0x08
# Bits of a frame's first byte and of its second.
FINAL, MASKED = 0x80, 0x80
LAST_CODE = 4999
LONG_HEADER = 10


@dataclass(frozen=True, slots=True)
class Allowance:
    """A client's limits: frames a second, frames at once, bytes of a whole message. A frame counts once more
    for each `bytes_a_frame`, but never for more than half of `burst`."""

    per_second: float
    burst: float
    bytes_a_frame: int
    message_bytes: int


class Flooded(Exception):
    """The client sends more than it may."""


class Oversized(Exception):
    """The client sends a message that is too large."""


class Misframed(Exception):
    """The client breaks a rule of the protocol that aiohttp does not know."""


class Inbound:
    """Stands before aiohttp's reader and lets through the frames that the client may send.

    Every frame takes from one bucket, fragments, pings and pongs like messages; only the pong that answers a
    ping is free. The first frame that is wrong, too many or too large, and all behind it, is not read: the
    queue then ends with an ERROR message whose data is Misframed, Flooded or Oversized.
    """

    def __init__(self, reader: Any, queue: Any, transport: Any, allowance: Allowance) -> None:
        self._reader, self._queue, self._transport = reader, queue, transport
        self._allowance = allowance
        self._tokens, self._tokens_at = allowance.burst, time.monotonic()
        # Size so far of the current message, and whether more fragments of it must follow.
        self._message, self._unfinished = 0, False
        self._pong_due = False
        # The part of a frame's header that has arrived, and the bytes of the frame still to come.
        self._head, self._left = b"", 0
        self._refused: Exception | None = None
        self._rest = REST_BYTES

    def expect_pong(self) -> None:
        """Let one pong pass for free: a ping goes out."""
        self._pong_due = True

    def charge(self, frames: int) -> bool:
        """Charge for work worth this many frames more; return False if the client has too few left."""
        self._refill()
        self._tokens -= frames
        return self._tokens >= 0

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Count what has arrived and pass it on; called by aiohttp's protocol."""
        if self._refused is not None:
            self._discard(len(data))
            return False, b""
        good = self._count(data)
        if good == len(data):
            result: tuple[bool, bytes] = self._reader.feed_data(data)
            return result
        self._reader.feed_data(data[:good])
        self._queue.feed_data(WSMessage(WSMsgType.ERROR, self._refused, None), 0)
        self._discard(len(data) - good)
        return False, b""

    def feed_eof(self) -> None:
        """Pass on the end of the connection; called by aiohttp's protocol."""
        self._reader.feed_eof()

    def _discard(self, size: int) -> None:
        self._rest -= size
        if self._rest < 0 and not self._transport.is_closing():
            self._transport.pause_reading()

    def _count(self, data: bytes) -> int:
        """Return how many of these bytes the client may send."""
        at, end = 0, len(data)
        while at < end:
            if self._left:
                step = min(self._left, end - at)
                self._left -= step
                at += step
                continue
            known = len(self._head)
            head = self._head + data[at : at + LONG_HEADER - known]
            long = {126: 2, 127: 8}.get(head[1] & 0x7F, 0) if len(head) > 1 else 0
            if len(head) < 2 + long:
                self._head = head
                return end
            size = int.from_bytes(head[2 : 2 + long]) if long else head[1] & 0x7F
            if not self._is_framed(head[0], head[1]) or not self._take(head[0] & 0x0F, size):
                return at
            self._head, self._left = b"", size + 4
            at += 2 + long - known
        return end

    def _is_framed(self, first: int, second: int) -> bool:
        """Whether a frame is masked, and does not begin a message amid the fragments of another: aiohttp
        misses that if these were empty."""
        opcode = first & 0x0F
        if not second & MASKED or (self._unfinished and 0 < opcode < FIRST_CONTROL):
            self._refused = Misframed()
            return False
        if opcode < FIRST_CONTROL:
            self._unfinished = not first & FINAL
        return True

    def _take(self, opcode: int, size: int) -> bool:
        """Charge for a frame; return False if the client has nothing left or its message is too large."""
        if opcode == PONG and self._pong_due:
            self._pong_due = False
            return True
        self._refill()
        allowance = self._allowance
        if opcode < FIRST_CONTROL:
            self._message = size if opcode else self._message + size
            if self._message > allowance.message_bytes:
                self._refused = Oversized()
                self._rest += min(size, MAX_REST_BYTES)
                return False
        price = min(1 + size // allowance.bytes_a_frame, allowance.burst / 2)
        if self._tokens < price:
            self._refused = Flooded()
            return False
        self._tokens -= price
        return True

    def _refill(self) -> None:
        now = time.monotonic()
        refill = (now - self._tokens_at) * self._allowance.per_second
        self._tokens = min(self._allowance.burst, self._tokens + refill)
        self._tokens_at = now


class CountedSocket(web.WebSocketResponse):
    """aiohttp's socket with Inbound before its reader, and our headers: the gateway adds them too late."""

    inbound: Inbound

    def __init__(self, spoken: Sequence[str], allowance: Allowance | None = None) -> None:
        """Make a socket with these subprotocols; without `allowance`, the limits are those of /ws."""
        self._allowance = allowance or Allowance(
            MESSAGES_PER_SECOND, MESSAGES_BURST, BYTES_A_MESSAGE, protocol.MAX_INBOUND_BYTES
        )
        super().__init__(
            protocols=spoken,
            autoping=False,
            compress=False,
            # aiohttp refuses messages of this size already, not only larger ones.
            max_msg_size=self._allowance.message_bytes + 1,
        )

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Answer the handshake."""
        self.headers.update({"Server": SERVER, "X-Request-Id": request[REQUEST_ID]})
        return await super().prepare(request)

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """See aiohttp. If the client closed with a code that is not allowed, close with PROTOCOL_ERROR."""
        theirs = self.close_code if self._closing else None
        if theirs is not None and (theirs == WSCloseCode.ABNORMAL_CLOSURE or theirs > LAST_CODE):
            code = WSCloseCode.PROTOCOL_ERROR
        return await super().close(code=code, message=message, drain=drain)

    def _post_start(self, request: Any, protocol: Any, writer: Any) -> None:
        connection = request.protocol
        # Bytes that came right behind the handshake would escape the count.
        early, connection._message_tail = connection._message_tail, b""
        super()._post_start(request, protocol, writer)
        self.inbound = Inbound(self._parser, self._reader, request.transport, self._allowance)
        connection._payload_parser = self.inbound
        if early:
            connection.data_received(early)

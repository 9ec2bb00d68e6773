"""One client's connection: how long it may be silent, and when its requests begin."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import deque
from typing import Any, cast

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from nexcorp.errors import BadRequest
from nexcorp.security.limits import network_of
from nexcorp.web.errors import reply_error
from nexcorp.web.gate import GATE, UNLIMITED, Gate
from nexcorp.web.unread import OWNER, size_of

# Limit from the first byte of a request (or from connecting) to the end of its headers.
HEADER_SECONDS = 10.0
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
# At most this much of a body, or 2,048 chunks of it, is parsed ahead.
READ_BYTES = 32 * 1024
# Open files reserved for PostgreSQL, Redis, uploads and the process itself.
OWN_FILES = 200
# Bytes given to the parser at once: in chunks of one byte, a thousand chunks.
PARSED_AT_ONCE = 6 * 1024
MOST_CONNECTIONS = 50_000
NOT_HTTP = "The request is not HTTP as it should be."


class Connection(RequestHandler):
    """aiohttp's connection with a deadline for headers, whose requests pass the gate before they begin.

    The answer to a malformed request repeats nothing of it.
    """

    __slots__ = ("_began", "_chunked", "_gate", "_header_timer", "_held", "_rest", "_who")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; close it if there is no place for it."""
        self._header_timer: asyncio.TimerHandle | None = None
        peer = transport.get_extra_info("peername")
        # A client with IPv6 has any number of addresses: count by network.
        self._who = network_of(peer[0]) if isinstance(peer, tuple) else ""
        super().connection_made(transport)
        self._began = False
        self._expect_headers()
        listener: Any = self._manager
        self._gate: Gate = listener.gate
        # The requests held at the gate, hidden from start().
        self._held: deque[Any] | None = None
        # Whether the last request has a chunked body; bytes to be parsed in the next turns of the loop.
        self._chunked, self._rest = False, b""
        if not listener.admit(self, self._who):
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Release the connection's place; either side may have closed it."""
        listener: Any = self._manager
        if listener is not None:
            listener.release(self, self._who)
        self._gate.forget(self)
        self._end_wait()
        if self._messages and not self._request_in_progress and self._task_handler is not None:
            # aiohttp would begin the request and fail.
            self._task_handler.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive bytes: they begin or continue a request, or complete its headers."""
        if self._rest:
            self._rest += data
        elif len(data) <= PARSED_AT_ONCE:
            self._receive(data)
        else:
            self._receive_parts(data)

    def _receive_parts(self, data: bytes) -> None:
        """Parse in parts, and yield to the event loop between parts of a chunked body, which is costly to
        parse.

        Once the body is refused, the rest of it is not parsed (nexcorp.web.bodies).
        """
        at = 0
        while at < len(data):
            if self._payload_parser is not None or self._upgraded:
                self._receive(data[at:])
                return
            self._receive(data[at : at + PARSED_AT_ONCE])
            at += PARSED_AT_ONCE
            if self._chunked and at < len(data):
                self._rest = data[at:]
                self._pause_transport_reading()
                self._loop.call_soon(self._receive_rest)
                return

    def _receive_rest(self) -> None:
        data, self._rest = self._rest, b""
        if self.transport is None:
            return
        self._receive_parts(data)
        if not self._rest and not self._reading_paused and not self._buffer_paused:
            self._resume_transport_reading()

    def _receive(self, data: bytes) -> None:
        silent = not (self._request_in_progress or self._upgraded or self._messages)
        if self._held is not None or (silent and self._gate.is_full()):
            # Parse, but do not wake start() yet.
            waiter, self._waiter = self._waiter, None
            super().data_received(data)
            self._waiter = waiter
            if self._held is not None:
                self._held.extend(self._messages)
                self._messages.clear()
            elif self._messages:
                self._wait_for_place()
        else:
            super().data_received(data)
            if silent and self._messages and self._needs_place():
                self._gate.sit(self)
        if self._messages or self._held:
            last = (self._held or self._messages)[-1][0]
            self._chunked = getattr(last, "chunked", False)
        if self._messages or self._held or self._request_in_progress or self._payload_parser is not None:
            self._end_wait()
        elif data and (self.waits() or not self._request_count):
            self._began = True
            if self._header_timer is None:
                self._expect_headers()

    def waits(self) -> bool:
        """Return whether the connection is idle: silent, or between requests."""
        return self._waiter is not None and not self._waiter.done() and self._held is None

    def _needs_place(self) -> bool:
        """Return whether the new request must pass the gate: not a probe, preflight, socket or error."""
        message = self._messages[0][0]
        return (
            isinstance(message, RawRequestMessage)
            and message.method != "OPTIONS"
            and not message.upgrade
            and message.path.partition("?")[0] not in self._gate.vital
        )

    def _wait_for_place(self) -> None:
        if self._needs_place():
            self._held, self._messages = self._messages, deque()
            self._gate.hold(self)
        else:
            self._begin()

    def _begin(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def go_on(self) -> None:
        """Begin the held request."""
        if self._held is not None:
            self._messages, self._held = self._held, None
            if len(self._messages) >= self._max_msg_queue_size and not self._buffer_paused:
                # aiohttp does the same for so many messages; start() resumes reading.
                self._pause_reading_for_buffer()
        self._begin()

    def refuse(self) -> None:
        """Answer the held request with 503; in less simple cases begin it, and the gateway refuses it."""
        held: Any = self._held
        message, payload = held[0]
        if len(held) > 1 or not payload.is_eof() or message.should_close or message.method == "HEAD":
            self.go_on()
            return
        self._held = None
        if self._parser is not None and self.transport is not None and not self.transport.is_closing():
            self._parser.message_consumed()
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
            self.transport.write(self._gate.refuse(message))

    def finish_response(self, request: web.BaseRequest, resp: Any, start_time: float | None) -> Any:
        """See aiohttp. A request that aiohttp answers without the gateway gives up its place here."""
        self._gate.stand_up(self)
        sending = super().finish_response(request, resp, start_time)
        owner = request.get(OWNER)
        if owner is None or self.transport is None:
            return sending
        return self._gate.unread.send(sending, self.transport, owner, size_of(resp))

    def _expect_headers(self) -> None:
        self._header_timer = self._loop.call_later(HEADER_SECONDS, self._give_up)

    def _end_wait(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
        self._header_timer, self._began = None, False

    def _give_up(self) -> None:
        self._header_timer = None
        if self.waits() and not self._messages:
            if self._began and self.transport is not None:
                self.transport.write(TOO_LATE)
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer malformed HTTP with the error envelope, which repeats nothing, and write no log line."""
        if status != 400:
            return super().handle_error(request, status, exc, message)
        response = reply_error(cast(web.Request, request), BadRequest(message=NOT_HTTP))
        response.force_close()
        return response


class Listener(web.Server):
    """Makes and counts the connections of one process."""

    def __init__(self, server: web.Server, most: int, gate: Gate) -> None:
        self.__dict__.update(server.__dict__)
        self._most, self.gate = most, gate
        self._open: dict[str, dict[Connection, None]] = {}
        self._total = 0

    def __call__(self) -> RequestHandler:
        """Return a connection for a new client."""
        return Connection(self, loop=self._loop, **self._kwargs)

    def pre_shutdown(self) -> None:
        """Let in all held requests first: aiohttp closes connections on which nothing has begun."""
        self.gate.open()
        super().pre_shutdown()

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a connection; return False if there is no place for it.

        All connections together have `most` places, those of one address half of them. For one too many, the
        oldest idle connection is closed, of the same address or else of the address that has most: a client
        that holds places in silence cannot shut others out.
        """
        of_one = self._open.setdefault(address, {})
        full = self._total >= self._most
        crowded = len(of_one) >= self._most // 2
        self._total += 1
        of_one[connection] = None
        if not full and not crowded:
            return True
        among = of_one if crowded else max(self._open.values(), key=len)
        oldest = next((one for one in among if one.waits()), None)
        if oldest is not None:
            oldest.force_close()
        return oldest is not None

    def release(self, connection: Connection, address: str) -> None:
        """Uncount a connection that is gone."""
        of_one = self._open.get(address, {})
        if connection in of_one:
            del of_one[connection]
            self._total -= 1
            if not of_one:
                del self._open[address]


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard limit; return how many connections it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, MOST_CONNECTIONS + OWN_FILES)
    if soft != hard:
        # Some kernels refuse; then the limit stays.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(OWN_FILES // 4, min(soft - OWN_FILES, MOST_CONNECTIONS))


class Runner(web.AppRunner):
    """aiohttp's runner with our connections, at most `most` at once; by default the file limit decides."""

    __slots__ = ("_most",)

    def __init__(self, app: web.Application, *, most: int | None = None, **more: Any) -> None:
        super().__init__(app, access_log=None, read_bufsize=READ_BYTES, **more)
        self._most = most

    async def _make_server(self) -> web.Server:
        gate = self.app.get(GATE) or Gate(UNLIMITED)
        return Listener(await super()._make_server(), self._most or raise_file_limit(), gate)

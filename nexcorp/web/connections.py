"""One client's connection: how long it may be silent, and when what it asks is begun."""

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

# From the first byte of a request (or from connecting) to the end of its headers.
HEADER_SECONDS = 10.0
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
# So much of a body is parsed ahead, or 2,048 chunks of it.
READ_BYTES = 32 * 1024
# Files that a process keeps for PostgreSQL, Redis, uploads and itself.
OWN_FILES = 200
# Bytes that the parser is given at once: of chunks of one byte, a thousand.
PARSED_AT_ONCE = 6 * 1024
MOST_CONNECTIONS = 50_000
NOT_HTTP = "The request is not HTTP as it should be."


class Connection(RequestHandler):
    """aiohttp's connection, with a deadline for headers, whose requests pass the gate before they begin.

    Of a broken request nothing is repeated.
    """

    __slots__ = ("_began", "_chunked", "_gate", "_header_timer", "_held", "_rest", "_who")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; where there is no place for it, it ends at once."""
        self._header_timer: asyncio.TimerHandle | None = None
        peer = transport.get_extra_info("peername")
        # A client with IPv6 has as many addresses as it likes.
        self._who = network_of(peer[0]) if isinstance(peer, tuple) else ""
        super().connection_made(transport)
        self._began = False
        self._expect_headers()
        listener: Any = self._manager
        self._gate: Gate = listener.gate
        # The requests that are held at the gate, which start() must not see.
        self._held: deque[Any] | None = None
        # Whether the last request has a chunked body, and bytes that are parsed in the loop's next turns.
        self._chunked, self._rest = False, b""
        if not listener.admit(self, self._who):
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone, from either side."""
        listener: Any = self._manager
        if listener is not None:
            listener.release(self, self._who)
        self._gate.forget(self)
        self._end_wait()
        if self._messages and not self._request_in_progress and self._task_handler is not None:
            # aiohttp would begin the request, and stumble.
            self._task_handler.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came: they begin a request, go on with one, or complete its headers."""
        if self._rest:
            self._rest += data
        elif len(data) <= PARSED_AT_ONCE:
            self._receive(data)
        else:
            self._receive_parts(data)

    def _receive_parts(self, data: bytes) -> None:
        """Parse in parts; between those of a chunked body, which is dear for its size, others have a turn.

        Once it is refused, nothing of it is parsed any more (nexcorp.web.bodies).
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
            # Parsed, but not begun.
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
        """Whether nothing of it is being worked on: it is silent, or between requests."""
        return self._waiter is not None and not self._waiter.done() and self._held is None

    def _needs_place(self) -> bool:
        """Whether the request that has come is for the gate: no probe, preflight, socket or error."""
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
        """Begin the request that was held."""
        if self._held is not None:
            self._messages, self._held = self._held, None
            if len(self._messages) >= self._max_msg_queue_size and not self._buffer_paused:
                # As aiohttp does where it sees so many; start() goes on reading.
                self._pause_reading_for_buffer()
        self._begin()

    def refuse(self) -> None:
        """Answer the request that was held with 503; what is not as simple as most, the gateway refuses."""
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
        """See aiohttp. A request that it answers without the gateway leaves its place here."""
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
        """The answer to what is no HTTP: the envelope, which repeats nothing, and no line in the logs."""
        if status != 400:
            return super().handle_error(request, status, exc, message)
        response = reply_error(cast(web.Request, request), BadRequest(message=NOT_HTTP))
        response.force_close()
        return response


class Listener(web.Server):
    """Makes the connections of one process, and counts them."""

    def __init__(self, server: web.Server, most: int, gate: Gate) -> None:
        self.__dict__.update(server.__dict__)
        self._most, self.gate = most, gate
        self._open: dict[str, dict[Connection, None]] = {}
        self._total = 0

    def __call__(self) -> RequestHandler:
        """A connection for a client that has just come."""
        return Connection(self, loop=self._loop, **self._kwargs)

    def pre_shutdown(self) -> None:
        """What has come is answered: aiohttp closes connections on which nothing has begun."""
        self.gate.open()
        super().pre_shutdown()

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a connection; False where there is no place for it.

        All together have `most` places, those of one address half of them. For one too many, the oldest
        that waits is closed, of the same address or else of the address that has most: whoever holds places
        in silence shuts nobody out.
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
        """A counted connection is gone."""
        of_one = self._open.get(address, {})
        if connection in of_one:
            del of_one[connection]
            self._total -= 1
            if not of_one:
                del self._open[address]


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; returns for how many connections that is enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, MOST_CONNECTIONS + OWN_FILES)
    if soft != hard:
        # Some kernels refuse; then it stays as it is.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(OWN_FILES // 4, min(soft - OWN_FILES, MOST_CONNECTIONS))


class Runner(web.AppRunner):
    """aiohttp's runner with our connections, `most` at once; the file limit decides where it is not given."""

    __slots__ = ("_most",)

    def __init__(self, app: web.Application, *, most: int | None = None, **more: Any) -> None:
        super().__init__(app, access_log=None, read_bufsize=READ_BYTES, **more)
        self._most = most

    async def _make_server(self) -> web.Server:
        gate = self.app.get(GATE) or Gate(UNLIMITED)
        return Listener(await super()._make_server(), self._most or raise_file_limit(), gate)

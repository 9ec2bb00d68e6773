"""One client's connection: how long it may be silent, and what is said to bytes that are no request."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from nexcorp.errors import BadRequest
from nexcorp.web.errors import reply_error

# From the first byte of a request (or from connecting) to the end of its headers.
HEADER_SECONDS = 10.0
TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
# So much of a body is parsed ahead, or 2,048 chunks of it.
READ_BYTES = 32 * 1024
# Files that a process keeps for PostgreSQL, Redis, uploads and itself.
OWN_FILES = 200
MOST_CONNECTIONS = 50_000
NOT_HTTP = "The request is not HTTP as it should be."


class Connection(RequestHandler):
    """aiohttp's connection, with a deadline for headers; of a broken request nothing is repeated."""

    __slots__ = ("_began", "_header_timer", "_who")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; where there is no place for it, it ends at once."""
        self._header_timer: asyncio.TimerHandle | None = None
        peer = transport.get_extra_info("peername")
        self._who = peer[0] if isinstance(peer, tuple) else ""
        super().connection_made(transport)
        self._began = False
        self._expect_headers()
        listener: Any = self._manager
        if not listener.admit(self, self._who):
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone, from either side."""
        listener: Any = self._manager
        if listener is not None:
            listener.release(self, self._who)
        self._end_wait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came: they begin a request, go on with one, or complete its headers."""
        super().data_received(data)
        if self._messages or self._request_in_progress or self._payload_parser is not None:
            self._end_wait()
        elif data and (self.waits() or not self._request_count):
            self._began = True
            if self._header_timer is None:
                self._expect_headers()

    def waits(self) -> bool:
        """Whether nothing of it is being worked on: it is silent, or between requests."""
        return self._waiter is not None and not self._waiter.done()

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

    def __init__(self, server: web.Server, most: int) -> None:
        self.__dict__.update(server.__dict__)
        self._most = most
        self._open: dict[str, dict[Connection, None]] = {}
        self._total = 0

    def __call__(self) -> RequestHandler:
        """A connection for a client that has just come."""
        return Connection(self, loop=self._loop, **self._kwargs)

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
        return Listener(await super()._make_server(), self._most or raise_file_limit())

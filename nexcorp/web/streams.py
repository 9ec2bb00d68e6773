"""Answers that are made in parts while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from aiohttp import web

from nexcorp.db.encoding import encode
from nexcorp.errors import TooManyRequests
from nexcorp.security.app_keys import CALLER, CONTEXT
from nexcorp.security.limits import network_of
from nexcorp.web.gate import GATE
from nexcorp.web.replies import SECURITY_HEADERS

EVENT_STREAM = "text/event-stream"
# The time limit for a client to take one part.
PART_SECONDS = 60.0
# The size that a streamed answer counts for, against its owner's unread bytes.
HELD_BYTES = 512 * 1024
# Adds the headers of every answer to that of a request that stays open.
ADD_HEADERS: web.RequestKey[Callable[[web.Request, web.StreamResponse], None]] = web.RequestKey("add_headers")


def owner_of(request: web.Request) -> Any:
    """Return whom an answer counts for: the account, or the network of an anonymous client."""
    who = request.get(CALLER)
    return who.id if who is not None else network_of(request[CONTEXT].ip or "")


class StreamedResponse(web.StreamResponse):
    """A file whose next part is read when the part before has been sent; an error aborts the connection.
    Raises TooManyRequests if the caller leaves other answers unread."""

    def __init__(
        self,
        request: web.Request,
        parts: AsyncIterator[bytes],
        headers: Mapping[str, str],
        status: int = 200,
    ) -> None:
        super().__init__(status=status, headers=headers)
        self._parts, self._owner = parts, owner_of(request)
        if not request.app[GATE].unread.has_room(self._owner, HELD_BYTES):
            raise TooManyRequests(retry_after=1)

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send the headers and the parts."""
        writer = await super().prepare(request)
        if request.method == "GET" and isinstance(request, web.Request):
            try:
                with request.app[GATE].unread.hold(self._owner, HELD_BYTES):
                    async for part in self._parts:
                        async with asyncio.timeout(PART_SECONDS):
                            await self.write(part)
            except Exception:
                # An aborted connection tells the client that the file is not whole.
                if request.transport is not None:
                    request.transport.abort()
        return writer


class EventStream(web.StreamResponse):
    """Server-sent events (text/event-stream). A client that reads too slowly is cut off."""

    def __init__(self, status: int = 200) -> None:
        # Proxies such as nginx would otherwise buffer events.
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(status=status, headers={**headers, "Content-Type": EVENT_STREAM})

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send the headers, with those of every answer: the gateway would add them only at the end."""
        if not self.prepared and isinstance(request, web.Request):
            request[ADD_HEADERS](request, self)
        return await super().prepare(request)

    async def send(self, event: str, data: Any, place: str | None = None) -> None:
        """Send one event; browsers return `place` as Last-Event-ID. Raises ConnectionError."""
        identity = f"id: {place}\n" if place is not None else ""
        await self._send(f"event: {event}\n{identity}data: {encode(data).decode()}\n\n".encode())

    async def beat(self) -> None:
        """Send a comment, which clients ignore: proxies keep the connection. Raises ConnectionError."""
        await self._send(b":\n\n")

    async def _send(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(PART_SECONDS):
                await self.write(data)
        except TimeoutError:
            raise ConnectionResetError("the client reads nothing") from None


def takes_events(request: web.Request) -> bool:
    """Return whether a client asks for server-sent events."""
    return EVENT_STREAM in request.headers.get("Accept", "").lower()

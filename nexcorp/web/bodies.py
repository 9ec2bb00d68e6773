"""Read request bodies with limits on chunks and lines, and discard bodies that no handler read."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from nexcorp.context import aside
from nexcorp.errors import BadRequest
from nexcorp.security.app_keys import CONTEXT
from nexcorp.security.limits import network_of
from nexcorp.web.gate import GATE

# A chunk costs the event loop more than its bytes do: FREE_CHUNKS are free, others need BYTES_A_CHUNK each.
FREE_CHUNKS = 256
BYTES_A_CHUNK = 256
CHUNKS_AT_ONCE = 64
MAX_LINE_BYTES = 128 * 1024

# An unread body of a known length up to this is read to its end, so that the connection can be reused.
SMALL_BYTES = 256 * 1024
# Of any other unread body, this much is discarded while the client reads its answer.
REST_BYTES = 8 * 1024 * 1024
REST_SECONDS = 2.0

BODY = web.RequestKey("body", bytes)


class TooManyChunks(BadRequest):
    """`Transfer-Encoding: chunked`, with chunks of a few bytes."""

    code, message = "too_many_chunks", "Send the body in larger chunks, or with Content-Length."
    meaning = "The body has too many small chunks: beyond the first 256, one is allowed for every 256 bytes."


class Content:
    """The part of StreamReader that aiohttp's form reader uses, with a limit on chunks and on lines.

    It yields to the event loop now and then; a StreamReader with buffered data never does.
    """

    def __init__(self, content: StreamReader, most_lines: int = 0) -> None:
        self._content, self._buffer = content, bytearray()
        self._reads, self._bytes = 0, 0
        self._chunks, self._lines, self._most_lines = 0, 0, most_lines

    def at_eof(self) -> bool:
        """Return whether everything was read."""
        return not self._buffer and self._content.at_eof()

    def unread_data(self, data: bytes) -> None:
        """Put back bytes that were read beyond the need."""
        self._buffer[:0] = data

    async def fill(self) -> bytes:
        """Return the next bytes as they come; b"" at the end. Raises TooManyChunks."""
        while not self._content.at_eof():
            data, ended = await self._read_chunk()
            self._bytes += len(data)
            self._reads += 1
            if ended:
                self._chunks += 1
                if self._chunks > FREE_CHUNKS + self._bytes // BYTES_A_CHUNK:
                    raise TooManyChunks()
            if self._reads % CHUNKS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if data:
                return data
        return b""

    async def _read_chunk(self) -> tuple[bytes, bool]:
        if self._content.is_eof():
            return await self._content.readchunk()
        with aside():
            return await self._content.readchunk()

    async def read(self, size: int) -> bytes:
        """Return at most `size` bytes; b"" at the end."""
        if not self._buffer:
            self._buffer += await self.fill()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Return the next line; raises BadHttpMessage if it is too long, or if there are too many lines."""
        self._lines += 1
        if self._lines > self._most_lines:
            raise BadHttpMessage("Too many lines that are no part of the form")
        most, seen = max_line_length or MAX_LINE_BYTES, 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if seen > most:
                break
            more = await self.fill()
            if not more:
                end = seen - 1
                break
            self._buffer += more
        if (seen if end < 0 else end) > most:
            raise LineTooLong(bytes(self._buffer[:100]) + b"...", most)
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line


async def read_whole(request: web.Request, most: int) -> bytes | None:
    """Return the body, or None if it has more than `most` bytes. It is kept: a second call returns it again.

    Raises TooManyChunks; TooManyRequests or Overloaded if too many requests wait for their bodies.
    """
    if BODY in request:
        return request[BODY]
    if request.content.is_eof():
        return await read_all(request, most)
    context = request[CONTEXT]
    with request.app[GATE].arriving.wait(context.user_id or network_of(context.ip or "")):
        return await read_all(request, most)


async def read_all(request: web.Request, most: int) -> bytes | None:
    """Read the body for read_whole(), which checks first whether the request may wait."""
    content, body = Content(request.content), bytearray()
    # A compressed body is unpacked in larger pieces.
    request.content.set_read_chunk_size(most)
    while chunk := await content.fill():
        body += chunk
        if len(body) > most:
            return None
    request[BODY] = whole = bytes(body)
    return whole


class Discard:
    """Receives the rest of a body in place of the HTTP parser, and drops it."""

    def __init__(self, content: StreamReader, transport: Any) -> None:
        self._content, self._transport, self._left = content, transport, REST_BYTES

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Drop received bytes; called by aiohttp's protocol."""
        self._left -= len(data)
        if self._left < 0 and not self._transport.is_closing():
            # The connection ends only after REST_SECONDS: a client that floods us reconnects no sooner.
            self._transport.pause_reading()
        return False, b""

    def feed_eof(self) -> None:
        """End the wait for the rest of the body; called by aiohttp's protocol when the connection is gone."""
        if not self._content.is_eof():
            self._content.feed_eof()


def leave_unread(request: web.Request, response: web.StreamResponse) -> None:
    """Prepare to answer before the body has been read: drop the rest of it and close the connection.

    A small body of a known length is still read to its end if it arrives soon.
    """
    connection: Any = request.protocol
    connection._lingering_time = REST_SECONDS
    length = request.content_length
    if "Transfer-Encoding" not in request.headers and length is not None and length <= SMALL_BYTES:
        return
    response.force_close()
    if connection.transport is not None and connection._payload_parser is None:
        connection._payload_parser = Discard(request.content, connection.transport)
        connection.resume_reading(resume_parser=False)

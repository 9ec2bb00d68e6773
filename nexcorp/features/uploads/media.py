"""Responses with files of the local store: whole, in part, or an error."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from nexcorp.web.ranges import read_range
from nexcorp.web.tags import read_tags
from nexcorp.web.unread import MIN_BYTES_A_SECOND

# The size of a piece, and the time in seconds that a client may take for it.
PIECE_BYTES = 256 * 1024
PIECE_SECONDS = PIECE_BYTES / MIN_BYTES_A_SECOND


class PacedWriter:
    """Writes to a client as aiohttp does, and cuts the connection if a piece takes too long: a client that
    reads nothing would keep the connection and the file open for ever."""

    def __init__(self, writer: Any, transport: asyncio.Transport) -> None:
        self._writer, self._transport = writer, transport

    async def write(self, piece: bytes) -> None:
        await self._limit(self._writer.write(piece))

    async def drain(self) -> None:
        await self._limit(self._writer.drain())

    async def _limit(self, sending: Any) -> None:
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                await sending
        except TimeoutError:
            self._transport.abort()
            raise ConnectionResetError("too slow") from None


class MediaResponse(web.FileResponse):
    """A file, or the part of it that choose_range() chose; errors are sent with `no-store`."""

    def __init__(self, path: Path, wanted: str | None, headers: Mapping[str, str]) -> None:
        super().__init__(path, PIECE_BYTES, headers=headers)
        self._wanted = wanted

    def set_status(self, status: int, reason: str | None = None) -> None:
        super().set_status(status, reason)
        if status >= 400:
            self.headers["Cache-Control"] = "no-store"

    async def prepare(self, request: web.BaseRequest) -> Any:
        # aiohttp reads these headers itself, and refuses values that should be ignored.
        headers = request.headers.copy()
        for name in ("Range", "If-Range"):
            headers.popall(name, None)
        for name in ("If-Match", "If-None-Match"):
            given = ",".join(headers.popall(name, ()))
            if given:
                tags = (f'"{tag}"' for tag in read_tags(given))
                headers[name] = "*" if given.strip() == "*" else ", ".join(tags) or given
        if self._wanted is not None:
            headers["Range"] = self._wanted
        return await super().prepare(request.clone(headers=headers))

    async def _sendfile(self, request: web.BaseRequest, fobj: Any, offset: int, count: int) -> Any:
        # The system's sendfile would hide how fast the client reads.
        writer = await web.StreamResponse.prepare(self, request)
        if request.transport is None:
            raise ConnectionResetError("Connection lost")
        paced: Any = PacedWriter(writer, request.transport)
        await self._sendfile_fallback(paced, fobj, offset, count)
        return writer


def choose_range(request: web.Request, stat: os.stat_result) -> str | None:
    """Return the part of a file to send, as `bytes=first-last`, or None for the whole file.

    HEAD, an outdated If-Range, and a Range that read_range() ignores get the whole file. Raises
    RangeNotSatisfiable.
    """
    if request.method != "GET" or not is_current(request, stat):
        return None
    part = read_range(request.headers.get("Range", ""), stat.st_size)
    return f"bytes={part[0]}-{part[1]}" if part is not None else None


def is_current(request: web.Request, stat: os.stat_result) -> bool:
    """Return whether If-Range names the current file, by its tag or the exact time of its last change."""
    given = request.headers.get("If-Range", "").strip()
    if not given:
        return True
    if given.endswith('"'):
        # The tag as aiohttp builds it. A weak tag does not promise the same bytes.
        return not given.startswith("W/") and f"{stat.st_mtime_ns:x}-{stat.st_size:x}" in read_tags(given)
    try:
        named = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return False
    changed = datetime.fromtimestamp(math.ceil(stat.st_mtime), UTC)
    return named.tzinfo is not None and named == changed

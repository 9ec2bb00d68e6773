"""The export of the caller's own data: requested here, built by a worker, downloaded with a ticket."""

from __future__ import annotations

import asyncio
import zlib
from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Job
from nexcorp.errors import AppError, NotFound, TooManyRequests
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.gate import GATE
from nexcorp.web.replies import JSON_HEADERS, reply, takes_gzip
from nexcorp.web.routing import API_PREFIX
from nexcorp.web.transactions import transaction

BUILD_EXPORTS = Job("build_exports")
FILE_NAME = "nexcorp-export.json"
PATH = f"{API_PREFIX}/users/me/export"
GZIP = 31
# The time that a client may take for one part.
PART_SECONDS = 60.0
PIECE_BYTES = 256 * 1024
# Reserved for a part, and for the piece of it that is unpacked.
HELD_BYTES = 2 * PIECE_BYTES


class ExportNotReady(NotFound):
    """No export was requested, or it is being built, or has expired."""

    code, message = "export_not_ready", "There is no export to download; ask for one first."
    meaning = "There is no export to download; ask for one first."


async def get_export(request: web.Request, query: dict[str, str]) -> web.StreamResponse:
    if "ticket" in query:
        return await download_export(request)
    who = user_id(request)
    # HEAD reports the state, and requests nothing: without an export that is ready or being built, it is 404.
    asks = request.method == "GET"
    async with database(request).transaction() as conn:
        row = await sql.exports.get_export(conn, user_id=who)
        # Read it first: an INSERT would wait for the worker that builds it.
        over = asks and (row is None or row["_over"])
        if over and await sql.exports.request_export(conn, user_id=who):
            payload = {"userId": who}
            await emit(conn, "user.export_requested", actor_id=who, entity=("user", who), payload=payload)
        if over:
            # A concurrent retry may have requested it first.
            row = await sql.exports.get_export(conn, user_id=who)
        if asks and (row is None or not row["ready"]):
            # Each time, not only the first: an earlier wake may have been lost.
            conn.after(BUILD_EXPORTS)
    if not asks and (row is None or (row["_over"] and not row["ready"])):
        raise ExportNotReady()
    if row is not None and row["ready"]:
        state = {"status": "ready", "downloadUrl": PATH, "expiresAt": row["expiresAt"], "bytes": row["bytes"]}
        return reply(state)
    return reply({"status": "preparing"}, 202)


async def download_export(request: web.Request) -> web.StreamResponse:
    """Return the file, compressed if the client accepts gzip.

    Raises ExportNotReady, and TooManyRequests if the caller leaves other answers unread.
    """
    who = user_id(request)
    if not request.app[GATE].unread.has_room(who, HELD_BYTES):
        raise TooManyRequests(retry_after=1)
    async with transaction(request) as tx:
        file = await sql.exports.get_export_file(tx.conn, user_id=who)
        if file is None:
            raise ExportNotReady()
        if request.method == "GET":
            payload = {"userId": who}
            await emit(tx.conn, "user.export_downloaded", actor_id=who, entity=("user", who), payload=payload)
    return ExportResponse(who, file["finished_at"], file["bytes"], takes_gzip(request))


class ExportResponse(web.StreamResponse):
    """The export that was finished at a certain time, sent part by part; aborted if another export replaces
    it."""

    def __init__(self, user: UUID, made: datetime, length: int, packed: bool) -> None:
        super().__init__(headers=JSON_HEADERS)
        self.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
        self.headers["Vary"] = "Accept-Encoding"
        if packed:
            self.headers["Content-Encoding"] = "gzip"
            self.content_length = length
        self._user, self._made, self._length, self._packed = user, made, length, packed

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send headers and file after the handler has returned, as aiohttp does for files."""
        writer = await super().prepare(request)
        if request.method == "GET" and isinstance(request, web.Request):
            try:
                with request.app[GATE].unread.hold(self._user, HELD_BYTES):
                    await self._send(request)
            except (AppError, TimeoutError, zlib.error):
                # The aborted connection tells the client that the file is incomplete.
                if request.transport is not None:
                    request.transport.abort()
        return writer

    async def _send(self, request: web.Request) -> None:
        unpacker, number, sent = zlib.decompressobj(wbits=GZIP), 0, 0
        while sent < self._length:
            async with database(request).connection() as conn:
                part = await sql.exports.get_export_part(
                    conn, user_id=self._user, finished_at=self._made, number=number
                )
            if part is None:
                raise ExportNotReady()
            async with asyncio.timeout(PART_SECONDS):
                if self._packed:
                    await self.write(part)
                else:
                    # Unpacked, a part may be a thousand times larger.
                    rest = part
                    while text := unpacker.decompress(rest, PIECE_BYTES):
                        await self.write(text)
                        rest = unpacker.unconsumed_tail
            number, sent = number + 1, sent + len(part)

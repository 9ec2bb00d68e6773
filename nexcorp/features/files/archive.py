"""Stream a project as a zip archive, made while it is sent."""

from __future__ import annotations

import asyncio
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Sequence
from typing import Any
from urllib.parse import quote

from aiohttp import web

from nexcorp.collab.versions import stream_content
from nexcorp.db import Database, sql
from nexcorp.errors import Overloaded, ProjectNotFound, TooManyRequests
from nexcorp.features.files import service
from nexcorp.features.files.access import DOWNLOAD, TAG
from nexcorp.features.files.content import TicketQuery
from nexcorp.features.files.contents import give_eol, read_now
from nexcorp.features.files.routes import folder_of
from nexcorp.features.files.schemas import FolderQuery
from nexcorp.security.app_keys import database, find_caller
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import Route
from nexcorp.web.streams import StreamedResponse, owner_of

# Packing takes a core: the most archives at once in a process, and of one caller.
MOST, MOST_OF_ONE = 6, 2
LEVEL = 3
PIECE_BYTES = 128 * 1024

_packing: Counter[Hashable] = Counter()


class ArchiveQuery(FolderQuery, TicketQuery):
    """Query of an archive: the folder to pack, and a ticket."""


class Sink:
    """A buffer for the bytes that zipfile writes, until they are sent."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: the buffer is all there is."""

    @property
    def full(self) -> bool:
        """Whether there are PIECE_BYTES or more to send."""
        return len(self._data) >= PIECE_BYTES

    def take(self) -> bytes:
        """Return the buffered bytes and empty the buffer."""
        data, self._data = bytes(self._data), bytearray()
        return data


async def read_pieces(db: Database, row: Any) -> AsyncIterator[bytes]:
    """Yield the content of a file in pieces; holds no connection while one is sent."""
    if row["kind"] == "text":
        async with db.connection() as conn:
            content = await read_now(conn, row)
        yield give_eol(content, row["eol"])
    elif row["sha256"] is not None:
        async for piece in stream_content(db, row["sha256"]):
            yield piece


def check_packing(owner: Hashable) -> None:
    """Raise TooManyRequests or Overloaded if the caller or the process packs as many archives as allowed."""
    if _packing[owner] >= MOST_OF_ONE:
        raise TooManyRequests(retry_after=5)
    if _packing.total() >= MOST:
        raise Overloaded()


async def pack(db: Database, rows: Sequence[Any], owner: Hashable) -> AsyncIterator[bytes]:
    """Yield the archive of these files piece by piece; the first step may raise as check_packing()."""
    check_packing(owner)
    _packing[owner] += 1
    try:
        sink = Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:  # type: ignore[call-overload]
            for row in rows:
                info = zipfile.ZipInfo(row["path"], row["updated_at"].timetuple()[:6])
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                with archive.open(info, "w") as entry:
                    async for piece in read_pieces(db, row):
                        await asyncio.to_thread(entry.write, piece)
                        if sink.full:
                            yield sink.take()
        yield sink.take()
    finally:
        _packing[owner] -= 1
        if not _packing[owner]:
            del _packing[owner]


async def put_before(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield a piece that was read already, then the rest."""
    yield first
    async for piece in rest:
        yield piece


async def get_archive(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
    project_id, owner = path_id(request), owner_of(request)
    check_packing(owner)
    async with database(request).connection() as conn:
        await service.require_reader(conn, find_caller(request), project_id)
        rows = await sql.files.list_contents(
            conn, project_id=project_id, folder=folder_of(query), most=service.MAX_FILES
        )
    name = query.get("prefix", "").rpartition("/")[2] or "project"
    headers = {
        "Content-Type": "application/zip",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}.zip",
        "Cache-Control": "no-store",
    }
    pieces = pack(database(request), rows, owner)
    # Make the first piece before the response, so that a failure is an error, not an answer that breaks off.
    first = await anext(pieces)
    return StreamedResponse(request, put_before(first, pieces), headers)


ROUTES = [
    Route(
        "GET",
        "/projects/{id}/archive",
        get_archive,
        "All files of a project, or of a folder, as a zip archive",
        DOWNLOAD,
        TAG,
        query=ArchiveQuery(),
        returns={200: None},
        errors=(ProjectNotFound,),
        content_type="application/zip",
        head=False,
        description="Packs the files as they are now. You can fetch two archives at once.",
    )
]

"""Contents of files over REST: the current one and earlier versions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from nexcorp.collab.errors import DocumentIncomplete
from nexcorp.collab.versions import ProjectQuotaExceeded, read_content
from nexcorp.db import sql
from nexcorp.domain.fields import Query, Text
from nexcorp.errors import (
    BadRequest,
    FileNotFound,
    PayloadTooLarge,
    PreconditionFailed,
    RangeNotSatisfiable,
    UnsupportedMediaType,
)
from nexcorp.features.files import saving, service
from nexcorp.features.files.access import DOWNLOAD, OF_FILE, OPEN, TAG, WRITE
from nexcorp.features.files.contents import (
    MAX_BINARY_BYTES,
    give_eol,
    make_tag,
    read_now,
    stream_binary,
)
from nexcorp.features.files.errors import TextExpected, VersionNotFound
from nexcorp.features.files.schemas import File, Version, VersionPage
from nexcorp.security.app_keys import caller, database, find_caller
from nexcorp.web.bodies import TooManyChunks
from nexcorp.web.forms import TooManyUploadsAtOnce, UploadStalled, UploadTooSlow
from nexcorp.web.large import receive_large
from nexcorp.web.paging import Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.ranges import read_range
from nexcorp.web.replies import knows, reply
from nexcorp.web.routing import Route, get, post
from nexcorp.web.streams import StreamedResponse
from nexcorp.web.tags import read_tags
from nexcorp.web.transactions import transaction

LAST_VERSION = 2**31 - 1
NEWEST: Cursor[tuple[int]] = Cursor("versions", tuple[int], (LAST_VERSION,), before="n")


class TicketQuery(Query):
    """Query of a download: a ticket, for browsers that cannot send a token."""

    ticket = Text(
        least=1,
        most=200,
        trim=False,
        metadata={"description": "A ticket from `POST /auth/ticket` for the purpose `download`; works once."},
    )


def make_headers(row: Any, tag: str) -> dict[str, str]:
    """Return the headers of a content: browsers save it, and never show it as a page of this service."""
    media_type = row["type"]
    if row["kind"] == "text":
        media_type += "; charset=utf-8"
    name = quote(row["path"].rpartition("/")[2], safe="")
    return {
        "Content-Type": media_type,
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "Cache-Control": "private, no-cache",
        "Accept-Ranges": "bytes",
        "ETag": tag,
    }


def choose_part(request: web.Request, tag: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of Range; None without it, or if If-Range names another content.

    Raises RangeNotSatisfiable.
    """
    given = request.headers.get("If-Range")
    if request.method != "GET" or (given is not None and given.strip() != tag):
        return None
    return read_range(request.headers.get("Range", ""), size)


def send(request: web.Request, row: Any, tag: str, content: bytes | None, size: int) -> web.StreamResponse:
    """Respond with a content, or the requested part; `content` None: stream the binary of `row`."""
    headers = make_headers(row, tag)
    if knows(request, tag):
        return web.Response(status=304, headers={"ETag": tag, "Cache-Control": headers["Cache-Control"]})
    part, status = choose_part(request, tag, size), 200
    first, last = part if part is not None else (0, size - 1)
    if part is not None:
        headers["Content-Range"], status = f"bytes {first}-{last}/{size}", 206
    if content is not None:
        return web.Response(body=content[first : last + 1], status=status, headers=headers)
    pieces = stream_binary(database(request), row["sha256"], first, last - first + 1)
    response = StreamedResponse(request, pieces, headers, status)
    response.content_length = last - first + 1
    return response


async def get_content(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
    viewer: Any = service.viewer_of(find_caller(request))
    async with database(request).transaction(isolation="repeatable_read", readonly=True) as conn:
        row = await sql.files.get_content(conn, file_id=path_id(request), **viewer)
        if row is None:
            raise FileNotFound()
        content, tag, size = None, make_tag(row["version"], row["seq"], row["eol"]), row["bytes"]
        # Do not build a content that the client has already.
        if (row["kind"] == "text" or not size) and not knows(request, tag):
            content = give_eol(await read_now(conn, row), row["eol"])
            size = len(content)
    return send(request, row, tag, content, size)


async def put_content(request: web.Request) -> web.Response:
    header = ",".join(request.headers.getall("If-Match", ()))
    tags = None if header.strip() in ("", "*") else read_tags(header)
    file_id: UUID = path_id(request)
    # Refuse callers who may not write before they send the content.
    async with database(request).connection() as conn:
        service.check_writes((await service.get_file(conn, caller(request), file_id))["_role"])
    async with (
        receive_large(request, MAX_BINARY_BYTES) as content,
        transaction(request, turn=file_id) as tx,
    ):
        row, tag = await saving.put_content(tx.conn, caller(request), file_id, content, tags)
        await tx.renew(row)
        return reply(row, headers={"ETag": tag})


def path_number(request: web.Request) -> int:
    """Return the version number in the path; raises VersionNotFound for anything else."""
    text = request.match_info["n"]
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise VersionNotFound()
    return int(text)


async def list_versions(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        await service.get_file(conn, find_caller(request), path_id(request))
        rows = await NEWEST.fetch(request, conn, query, sql.files.list_versions, file_id=path_id(request))
    return reply_page(request, rows, query["limit"], NEWEST)


async def get_version(request: web.Request) -> web.Response:
    n = path_number(request)
    async with database(request).connection() as conn:
        await service.get_file(conn, find_caller(request), path_id(request))
        rows = await sql.files.list_versions(conn, file_id=path_id(request), before=n + 1, most=1)
    if not rows or rows[0]["n"] != n:
        raise VersionNotFound()
    return reply(rows[0])


async def get_version_content(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
    async with database(request).connection() as conn:
        file = await service.get_file(conn, find_caller(request), path_id(request))
        version = await sql.files.get_version(conn, file_id=path_id(request), n=path_number(request))
        if version is None:
            raise VersionNotFound()
        content = None
        if file["kind"] == "text":
            content = give_eol(await read_content(conn, version["sha256"]), file["eol"])
    row = {**dict(file), "sha256": version["sha256"]}
    size = len(content) if content is not None else version["bytes"]
    return send(request, row, make_tag(path_number(request), version["seq"], file["eol"]), content, size)


async def restore_version(request: web.Request) -> web.Response:
    file_id = path_id(request)
    async with transaction(request, turn=file_id) as tx:
        row, _ = await saving.restore_version(tx.conn, caller(request), file_id, path_number(request))
        return await tx.reply(row, version=row["version"])


OF_SAVING = (*OF_FILE, PayloadTooLarge, ProjectQuotaExceeded, DocumentIncomplete)
ANSWERS = {200: None, 206: None, 304: None}
ROUTES = [
    Route(
        "GET",
        "/files/{id}/content",
        get_content,
        "The content of a file as it is now",
        DOWNLOAD,
        TAG,
        query=TicketQuery(),
        returns=ANSWERS,
        errors=(FileNotFound, RangeNotSatisfiable, DocumentIncomplete),
        content_type="*/*",
        description="Includes the latest edits, also unsaved ones. The ETag names version and update; "
        "accepts `Range`.",
    ),
    Route(
        "PUT",
        "/files/{id}/content",
        put_content,
        "Replace the content of a file",
        WRITE,
        TAG,
        raw="application/octet-stream",
        large=True,
        returns={200: File()},
        errors=(
            *OF_SAVING,
            PreconditionFailed,
            TextExpected,
            BadRequest,
            UnsupportedMediaType,
            TooManyChunks,
            UploadStalled,
            UploadTooSlow,
            TooManyUploadsAtOnce,
        ),
        description="In a text, only the parts that differ change: cursors of people who edit it stay, "
        "and so does the text they type meanwhile. A binary may have 25 MB. An empty body empties "
        "the file; parts (`Content-Range`) are refused. With `If-Match` and an ETag of the content, "
        "later changes are not overwritten.",
    ),
    get(
        "/files/{id}/versions",
        list_versions,
        "The saved contents of a file, the newest first",
        VersionPage,
        query=PageQuery(),
        errors=(FileNotFound,),
        access=OPEN,
        tag=TAG,
    ),
    get(
        "/files/{id}/versions/{n}",
        get_version,
        "One saved content of a file",
        Version(),
        errors=(FileNotFound, VersionNotFound),
        access=OPEN,
        tag=TAG,
    ),
    Route(
        "GET",
        "/files/{id}/versions/{n}/content",
        get_version_content,
        "Content of a version",
        DOWNLOAD,
        TAG,
        query=TicketQuery(),
        returns=ANSWERS,
        errors=(FileNotFound, VersionNotFound, RangeNotSatisfiable),
        content_type="*/*",
    ),
    post(
        "/files/{id}/versions/{n}/restore",
        restore_version,
        "Make an earlier content the newest version",
        File(),
        200,
        errors=(*OF_SAVING, VersionNotFound),
        access=WRITE,
        tag=TAG,
        description="Works as a PUT of that content: people who edit the file see it change.",
    ),
]

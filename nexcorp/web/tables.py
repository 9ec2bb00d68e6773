"""CSV files over HTTP: import and export."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import fields

from nexcorp.db import sql
from nexcorp.delivery.effects import Job
from nexcorp.domain.fields import Out, Query
from nexcorp.domain.tables import MAX_FILE_BYTES, write_rows
from nexcorp.errors import TooManyImports, UnsupportedMediaType
from nexcorp.security.app_keys import database
from nexcorp.web.forms import File, Form
from nexcorp.web.paging import Cursor
from nexcorp.web.parsing import read_bytes
from nexcorp.web.reading import ask_again
from nexcorp.web.routing import API_PREFIX
from nexcorp.web.streams import StreamedResponse
from nexcorp.web.transactions import Transaction

RUN_IMPORTS = Job("run_imports")
# Imports of one person that may wait.
MAX_WAITING = 5
TABLE = Form(most_files=1, limit=lambda head: MAX_FILE_BYTES, optional=True)
PART_ROWS = 500


class ImportQuery(Query):
    """Options of every import; features add the place where its rows go."""

    dryRun = fields.Boolean(
        load_default=False, metadata={"description": "Check all rows, and change nothing."}
    )


class RowError(Out):
    """The reason why a row was left out."""

    row = fields.Integer(
        required=True, metadata={"description": "The number of the line; the first line of the file is 1."}
    )
    field = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


class Counts(Out):
    """The numbers of rows by outcome."""

    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    skipped = fields.Integer(required=True, metadata={"description": "Rows that change nothing."})
    failed = fields.Integer(required=True)


class Import(Out):
    """An import: its file, its state and its outcome."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    fileName = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The name of the file in a form; null for a body of `text/csv`."},
    )
    dryRun = fields.Boolean(required=True)
    counts = fields.Nested(
        Counts,
        required=True,
        allow_none=True,
        metadata={"description": "Null until the file has been processed."},
    )
    rowErrors = fields.List(
        fields.Nested(RowError), required=True, metadata={"description": "The first hundred errors."}
    )
    createdAt = fields.AwareDateTime(required=True)
    finishedAt = fields.AwareDateTime(required=True, allow_none=True)


async def read_table(
    request: web.Request, files: Sequence[File] | None, check: Callable[[bytes], object]
) -> bytes:
    """Return the file of a request, from its body or from a part of a form.

    Raises UnsupportedMediaType for anything else, PayloadTooLarge, and the errors of `check` for a file that
    cannot be imported at all.
    """
    if files:
        body = await asyncio.to_thread(files[0].path.read_bytes)
    elif files is None and request.content_type == "text/csv":
        body = await read_bytes(request, MAX_FILE_BYTES)
    else:
        raise UnsupportedMediaType()
    # In a thread: it may take a tenth of a second.
    await asyncio.to_thread(check, body)
    return body


async def begin_import(
    tx: Transaction,
    owner_id: UUID,
    kind: str,
    options: dict[str, Any],
    files: Sequence[File] | None,
    body: bytes,
) -> web.Response:
    """Queue the import of a file from read_table(); a worker runs it. Raises TooManyImports."""
    options = {**options, "fileName": files[0].name if files else None}
    await sql.imports.lock_imports(tx.conn, owner_id=owner_id)
    if await sql.imports.count_waiting(tx.conn, owner_id=owner_id) >= MAX_WAITING:
        raise TooManyImports()
    row = await sql.imports.create_import(tx.conn, owner_id=owner_id, kind=kind, options=options, body=body)
    tx.conn.after(RUN_IMPORTS)
    return await tx.reply(row, 202, location=f"{API_PREFIX}/imports/{row['id']}")


async def write_parts(
    request: web.Request,
    columns: Sequence[str],
    cursor: Cursor[Any],
    read: Callable[[Any, Any, int], Awaitable[list[Any]]],
    show: Callable[[Any], Sequence[Any]],
) -> AsyncIterator[bytes]:
    """Yield a list as CSV, in parts, each read when the part before has been sent.

    `read` is given a connection, the position of `cursor` behind which to begin, and the maximum number of
    rows; `show` makes the cells of a row, in the order of `columns`.
    """

    async def read_part(place: Any) -> list[Any]:
        async with database(request).connection() as conn:
            return await read(conn, place, PART_ROWS)

    yield write_rows([columns])
    place: Any = cursor.start
    while True:
        rows = await ask_again(request, partial(read_part, place))
        if rows:
            yield write_rows(map(show, rows))
        if len(rows) < PART_ROWS:
            return
        place = tuple(rows[-1][column] for column in cursor.columns)


class CsvResponse(StreamedResponse):
    """A CSV file, sent in parts as StreamedResponse does."""

    def __init__(self, request: web.Request, name: str, parts: AsyncIterator[bytes]) -> None:
        headers = {
            "Content-Type": "text/csv; charset=utf-8",
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        super().__init__(request, parts, headers)

"""CSV files of tasks over REST: in by a job, out as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from marshmallow import fields

from nexcorp.db import sql
from nexcorp.db.encoding import decode
from nexcorp.delivery.effects import Job
from nexcorp.domain.fields import Out, Query
from nexcorp.domain.tables import MAX_FILE_BYTES, MAX_ROWS, write_names, write_rows
from nexcorp.errors import TooManyRequests, UnsupportedMediaType
from nexcorp.features.tasks.access import CREATE, READ, TAG
from nexcorp.features.tasks.errors import ImportNotFound, TooManyImports
from nexcorp.features.tasks.importing import COLUMNS, check_project, read_file
from nexcorp.features.tasks.lists import SORTS, fetch_tasks
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import TaskFilters
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database, user_id
from nexcorp.web.forms import File, Form
from nexcorp.web.gate import GATE
from nexcorp.web.parsing import path_id, read_bytes, read_query
from nexcorp.web.replies import reply
from nexcorp.web.routing import API_PREFIX, get, post
from nexcorp.web.transactions import transaction

RUN_IMPORTS = Job("run_imports")
# Of one person, waiting to be read in.
MAX_WAITING = 5
PART = 500
PART_SECONDS = 60.0
# Of a part that is on its way.
HELD_BYTES = 512 * 1024


class ImportQuery(Query):
    """Where new tasks go, and whether to look only."""

    projectId = fields.UUID(metadata={"description": "Absent: they are of no project."})
    dryRun = fields.Boolean(
        load_default=False, metadata={"description": "Check all rows, and change nothing."}
    )


class RowError(Out):
    """Why a row was left out."""

    row = fields.Integer(required=True, metadata={"description": "The first line of the file is 1."})
    field = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


class Counts(Out):
    """How many rows came to what."""

    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    skipped = fields.Integer(required=True, metadata={"description": "Those that change nothing."})
    failed = fields.Integer(required=True)


class Import(Out):
    """A file, and what came of it."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    dryRun = fields.Boolean(required=True)
    counts = fields.Nested(
        Counts, required=True, allow_none=True, metadata={"description": "Null until it is read in."}
    )
    rowErrors = fields.List(
        fields.Nested(RowError), required=True, metadata={"description": "The first hundred."}
    )
    createdAt = fields.AwareDateTime(required=True)
    finishedAt = fields.AwareDateTime(required=True, allow_none=True)


async def import_tasks(
    request: web.Request, query: dict[str, Any] | None = None, files: list[File] | None = None
) -> web.Response:
    if query is None:
        query = read_query(request, QUERY)
    if files:
        body = await asyncio.to_thread(files[0].path.read_bytes)
    elif files is None and request.content_type == "text/csv":
        body = await read_bytes(request, MAX_FILE_BYTES)
    else:
        raise UnsupportedMediaType()
    # What cannot be taken at all is refused at once. Not on the loop: it may take a tenth of a second.
    await asyncio.to_thread(read_file, body)
    who, project_id = caller(request), query.get("projectId")
    sees_all = who.may(MANAGE)
    options = {"projectId": project_id, "dryRun": query["dryRun"], "seesAll": sees_all}
    async with transaction(request) as tx:
        if await sql.imports.count_waiting(tx.conn, owner_id=who.id) >= MAX_WAITING:
            raise TooManyImports()
        await check_project(tx.conn, who.id, project_id, sees_all)
        row = await sql.imports.create_import(
            tx.conn, owner_id=who.id, kind="tasks", options=options, body=body
        )
        tx.conn.after(RUN_IMPORTS)
        return await tx.reply(row, 202, location=f"{API_PREFIX}/imports/{row['id']}")


async def get_import(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        row = await sql.imports.get_import(conn, import_id=path_id(request), owner_id=user_id(request))
    if row is None:
        raise ImportNotFound()
    return reply(row)


def show_cells(task: Any) -> list[Any]:
    """The cells of a task, in the order of COLUMNS."""
    people = {
        name: decode(task[name]) if task[name] is not None else None for name in ("creator", "assignee")
    }
    cells = {name: person["username"] if person is not None else None for name, person in people.items()}
    cells["labels"] = write_names(label["name"] for label in decode(task["labels"]))
    times = ("createdAt", "updatedAt", "startedAt", "completedAt")
    cells |= {name: task[name].isoformat() if task[name] is not None else None for name in times}
    return [cells[name] if name in cells else task[name] for name in COLUMNS]


async def read_parts(request: web.Request, query: dict[str, Any]) -> AsyncIterator[bytes]:
    """The file part by part, each read when the one before has been sent."""
    yield write_rows([COLUMNS])
    cursor = SORTS[query["sort"]].cursor
    rows: list[Any] = []
    place: Any = cursor.start
    while True:
        async with database(request).connection() as conn:
            rows = await fetch_tasks(request, conn, query, most=PART, place=place)
        if rows:
            yield write_rows(map(show_cells, rows))
        if len(rows) < PART:
            return
        place = tuple(rows[-1][column] for column in cursor.columns)


class CsvResponse(web.StreamResponse):
    """Tasks as a CSV file, sent when the handler has returned. It breaks off where it cannot go on."""

    def __init__(self, query: dict[str, Any]) -> None:
        super().__init__(headers={"Content-Type": "text/csv; charset=utf-8", "Cache-Control": "no-store"})
        self.headers["Content-Disposition"] = 'attachment; filename="tasks.csv"'
        self._query = query

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send headers and file."""
        writer = await super().prepare(request)
        if request.method == "GET" and isinstance(request, web.Request):
            try:
                with request.app[GATE].unread.hold(user_id(request), HELD_BYTES):
                    async for part in read_parts(request, self._query):
                        async with asyncio.timeout(PART_SECONDS):
                            await self.write(part)
            except Exception:
                # The client sees that it is not whole.
                if request.transport is not None:
                    request.transport.abort()
        return writer


async def export_tasks(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
    if not request.app[GATE].unread.has_room(user_id(request), HELD_BYTES):
        raise TooManyRequests(retry_after=1)
    return CsvResponse(query)


QUERY = ImportQuery()
ROUTES = [
    post(
        "/tasks/import",
        import_tasks,
        "Take in tasks from a CSV file",
        Import(),
        202,
        form=Form(most_files=1, limit=lambda head: MAX_FILE_BYTES, optional=True),
        query=QUERY,
        raw="text/csv",
        errors=(UnsupportedMediaType, TooManyImports),
        access=CREATE,
        tag=TAG,
        description=f"Up to {MAX_ROWS} rows and 5 MB of UTF-8, as a body of `text/csv` or as the part `file` "
        f"of a form. The first line names columns: {', '.join(COLUMNS)}. A row with the `id` or the "
        "`externalRef` of a task changes it, any other makes one: reading a file in again changes nothing. "
        "`assignee` is a username or an id, `labels` a line of CSV in a cell. `GET /imports/{id}` says what "
        "came of it.",
    ),
    get(
        "/imports/{id}",
        get_import,
        "What came of a CSV file",
        Import(),
        errors=(ImportNotFound,),
        access=allow("task:read", whose="your own only"),
        tag=TAG,
        description="Kept for 7 days.",
    ),
    get(
        "/tasks/export.csv",
        export_tasks,
        "Tasks that you may see, as a CSV file",
        None,
        query=TaskFilters(),
        access=READ,
        content_type="text/csv",
        head=False,
        tag=TAG,
        description="With the filters and the order of the list. A cell that a spreadsheet would compute "
        "begins with `'`, which `POST /tasks/import` takes off.",
    ),
]

"""CSV files of tasks over REST: a job imports them, a stream exports them."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from marshmallow import fields

from nexcorp.db import sql
from nexcorp.db.encoding import decode
from nexcorp.domain.tables import MAX_ROWS, write_names
from nexcorp.errors import TooManyImports, UnsupportedMediaType
from nexcorp.features.tasks.access import CREATE, READ, TAG
from nexcorp.features.tasks.errors import ImportNotFound
from nexcorp.features.tasks.importing import COLUMNS, check_project, read_file
from nexcorp.features.tasks.lists import SORTS, fetch_tasks
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import TaskFilters
from nexcorp.security.access import Access
from nexcorp.security.app_keys import caller, database, user_id
from nexcorp.web.forms import File
from nexcorp.web.parsing import path_id, read_query
from nexcorp.web.replies import reply
from nexcorp.web.routing import get, post
from nexcorp.web.tables import TABLE, CsvResponse, Import, ImportQuery, begin_import, read_table, write_parts
from nexcorp.web.transactions import transaction


class TaskImportQuery(ImportQuery):
    """The project of new tasks, and whether this is a dry run."""

    projectId = fields.UUID(
        metadata={"description": "The project of the imported tasks; absent: without a project."}
    )


async def import_tasks(
    request: web.Request, query: dict[str, Any] | None = None, files: list[File] | None = None
) -> web.Response:
    if query is None:
        query = read_query(request, QUERY)
    body = await read_table(request, files, read_file)
    who, project_id = caller(request), query.get("projectId")
    sees_all = who.may(MANAGE)
    options = {"projectId": project_id, "dryRun": query["dryRun"], "seesAll": sees_all}
    async with transaction(request) as tx:
        await check_project(tx.conn, who.id, project_id, sees_all)
        return await begin_import(tx, who.id, "tasks", options, files, body)


async def get_import(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        row = await sql.imports.get_import(conn, import_id=path_id(request), owner_id=user_id(request))
    if row is None:
        raise ImportNotFound()
    return reply(row)


def show_cells(task: Any) -> list[Any]:
    """Return the cells of a task, in the order of COLUMNS."""
    people = {
        name: decode(task[name]) if task[name] is not None else None for name in ("creator", "assignee")
    }
    cells = {name: person["username"] if person is not None else None for name, person in people.items()}
    cells["labels"] = write_names(label["name"] for label in decode(task["labels"]))
    cells["parent"] = task["parentId"]
    times = ("createdAt", "updatedAt", "startedAt", "completedAt")
    cells |= {name: task[name].isoformat() if task[name] is not None else None for name in times}
    return [cells[name] if name in cells else task[name] for name in COLUMNS]


async def export_tasks(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
    async def read(conn: Any, place: Any, most: int) -> list[Any]:
        return await fetch_tasks(request, conn, caller(request), query, most=most, place=place)

    parts = write_parts(request, COLUMNS, SORTS[query["sort"]].cursor, read, show_cells)
    return CsvResponse(request, "tasks.csv", parts)


QUERY = TaskImportQuery()
ROUTES = [
    post(
        "/tasks/import",
        import_tasks,
        "Import tasks from a CSV file",
        Import(),
        202,
        form=TABLE,
        query=QUERY,
        raw="text/csv",
        errors=(UnsupportedMediaType, TooManyImports),
        access=CREATE,
        tag=TAG,
        description=f"Up to {MAX_ROWS} rows and 5 MB of UTF-8, as a body of `text/csv` or as the part "
        f"`file` of a form. The first line names columns: {', '.join(COLUMNS)}. A row with the `id` "
        "or the `externalRef` of a task changes it, any other row makes a task: importing a file "
        "again changes nothing. `assignee` is a username or an id, `labels` a line of CSV in a cell, "
        "`parent` the id, the `externalRef` or the number of a task of the same project, or the "
        "`externalRef` of a row of the file. Assignees are notified of the number of their tasks. "
        "`GET /imports/{id}` shows the result.",
    ),
    get(
        "/imports/{id}",
        get_import,
        "Result of the import of a CSV file",
        Import(),
        errors=(ImportNotFound,),
        access=Access(keys=True, whose="your own only"),
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
        stale=True,
        tag=TAG,
        description="Has the filters and the order of the list. A cell that a spreadsheet would take for "
        "a formula begins with `'`, which `POST /tasks/import` removes.",
    ),
]

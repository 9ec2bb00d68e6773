"""The history of a task, and its subtasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import fields

from nexcorp.db import sql
from nexcorp.domain.fields import Out
from nexcorp.domain.shapes import Person, page_of
from nexcorp.errors import TaskNotFound
from nexcorp.features.tasks import service
from nexcorp.features.tasks.access import READ, TAG
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import Task
from nexcorp.security.app_keys import caller, database
from nexcorp.web.paging import FIRST_ID, LAST_ID, LAST_TIME, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import get

NEWEST: Cursor[tuple[datetime, UUID]] = Cursor(
    "task-history", tuple[datetime, UUID], (LAST_TIME, LAST_ID), before_time="createdAt", before="id"
)
OLDEST: Cursor[tuple[UUID]] = Cursor("subtasks", tuple[UUID], (FIRST_ID,), after="id")


class TextChange(Out):
    """A text before and after a change."""

    field = fields.String(required=True)
    before = fields.String(required=True, allow_none=True)
    after = fields.String(required=True, allow_none=True)


class ChangeFile(Out):
    """The CSV file that a change came from."""

    importId = fields.UUID(required=True)
    name = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The name of the imported file; kept for 7 days, like the import."},
    )


class TaskChange(Out):
    """One event in a task's history."""

    id = fields.UUID(required=True)
    type = fields.String(required=True)
    actor = fields.Nested(Person, required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)
    changed = fields.List(
        fields.String(), required=True, metadata={"description": "The names of the changed fields."}
    )
    before = fields.Dict(required=True, metadata={"description": "States, ids and dates before the change."})
    after = fields.Dict(required=True)
    texts = fields.List(fields.Nested(TextChange), required=True)
    file = fields.Nested(ChangeFile, required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)


async def list_history(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        task = await service.get_task(conn, caller(request), path_id(request))
        rows = await NEWEST.fetch(request, conn, query, sql.tasks.list_history, task_id=task["id"])
    return reply_page(request, rows, query["limit"], NEWEST)


async def list_subtasks(request: web.Request, query: dict[str, Any]) -> web.Response:
    who = caller(request)
    async with database(request).connection() as conn:
        task = await service.get_task(conn, who, path_id(request))
        rows = await OLDEST.fetch(
            request,
            conn,
            query,
            sql.tasks.list_subtasks,
            viewer_id=who.id,
            sees_all=who.may(MANAGE),
            parent_id=task["id"],
        )
    return reply_page(request, rows, query["limit"], OLDEST)


ROUTES = [
    get(
        "/tasks/{id}/history",
        list_history,
        "History of a task, newest first",
        page_of(TaskChange),
        query=PageQuery(),
        errors=(TaskNotFound,),
        access=READ,
        stale=True,
        tag=TAG,
    ),
    get(
        "/tasks/{id}/subtasks",
        list_subtasks,
        "The subtasks of a task, the oldest first",
        page_of(Task),
        query=PageQuery(),
        errors=(TaskNotFound,),
        access=READ,
        tag=TAG,
    ),
]

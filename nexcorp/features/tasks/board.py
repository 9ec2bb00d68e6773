"""The board of a project: its columns, and the position from which frames continue."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.db import sql
from nexcorp.domain.fields import Out
from nexcorp.errors import ProjectNotFound
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import STATUSES, Task, one_of
from nexcorp.realtime.node import read_place
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.web.paging import FIRST_ID, Cursor, PageQuery, cut_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import get

LEAST_RANK = -(2**63)
BY_RANK: Cursor[tuple[int, UUID]] = Cursor(
    "board", tuple[int, UUID], (LEAST_RANK, FIRST_ID), after_rank="rank", after="id"
)


class BoardQuery(PageQuery):
    """The page size of each column; with `status`, a page of that column alone, from `cursor` on."""

    status = one_of(STATUSES)

    @validates_schema
    def require_status(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a cursor without the status whose column it belongs to."""
        if "cursor" in data and "status" not in data:
            raise ValidationError("Send it with the status whose column it is of.", "cursor")


class Column(Out):
    """A column of a board: the tasks of one status, in their order."""

    status = one_of(STATUSES, required=True)
    total = fields.Integer(required=True)
    data = fields.List(fields.Nested(Task), required=True)
    nextCursor = fields.String(required=True, allow_none=True)


class Board(Out):
    """The board, read in one snapshot."""

    columns = fields.List(fields.Nested(Column), required=True)
    epoch = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Subscribe to project:{id} with `epoch` and `seq`: the frames then keep the "
            "board complete. A task in a frame replaces the task with its id, wherever that stands; "
            "`task:deleted` removes it, `task:reordered` gives new ranks."
        },
    )
    seq = fields.Integer(required=True, validate=validate.Range(0))


async def get_board(request: web.Request, query: dict[str, Any]) -> web.Response:
    project_id, who = path_id(request), caller(request)
    columns = []
    async with database(request).transaction(isolation="repeatable_read", readonly=True) as conn:
        if not await sql.projects.is_member(
            conn, project_id=project_id, user_id=who.id, manages=who.may(MANAGE)
        ):
            raise ProjectNotFound()
        place = await read_place(request, conn, f"project:{project_id}")
        totals = {
            row["status"]: row["total"]
            for row in await sql.task_board.count_columns(conn, project_id=project_id)
        }
        statuses = [query["status"]] if "status" in query else list(STATUSES)
        rows = await BY_RANK.fetch(
            request,
            conn,
            query,
            sql.task_board.list_columns,
            viewer_id=who.id,
            sees_all=who.may(MANAGE),
            project_id=project_id,
            statuses=statuses,
        )
    for status in statuses:
        column = [row for row in rows if row["status"] == status]
        page, cursor = cut_page(request, column, query["limit"], BY_RANK)
        columns.append({"status": status, "total": totals.get(status, 0), "data": page, "nextCursor": cursor})
    return reply({"columns": columns, **place})


ROUTES = [
    get(
        "/projects/{id}/board",
        get_board,
        "The board of a project",
        Board(),
        query=BoardQuery(),
        errors=(ProjectNotFound,),
        access=allow("task:read", whose="its members, and holders of task:manage"),
        tag="Work",
    ),
]

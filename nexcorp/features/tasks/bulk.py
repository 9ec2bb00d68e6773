"""Changing many tasks in one request: each by itself, so that one that cannot be changed keeps no other."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError, fields, validates_schema

from nexcorp.db import sql
from nexcorp.domain.fields import Body, Items, Out
from nexcorp.domain.versions import check_version
from nexcorp.errors import AppError
from nexcorp.features.tasks import service
from nexcorp.features.tasks.errors import NotYourTask, TaskNotFound
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import UpdateTask
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller
from nexcorp.security.caller import Caller
from nexcorp.web.errors import status_of
from nexcorp.web.routing import patch
from nexcorp.web.transactions import transaction

MAX_ITEMS = 100


class BulkItem(UpdateTask):
    """One task, and what of it is to change: not its place, which is found beside one other."""

    class Meta(UpdateTask.Meta):
        exclude = ("place",)

    id = fields.UUID(required=True)

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """As of one task: a change that changes nothing is a mistake of the caller's."""
        if not data.keys() - {"version", "id"}:
            raise ValidationError("Send what is to change.")


def check_ids(items: list[dict[str, Any]]) -> None:
    """Raises ValidationError where a task is named twice: which of its changes would count?"""
    if len({item["id"] for item in items}) < len(items):
        raise ValidationError("Names a task twice.")


class BulkUpdate(Body):
    """Changes of many tasks."""

    items = Items(fields.Nested(BulkItem), least=1, most=MAX_ITEMS, required=True, checks=[check_ids])


class BulkResult(Out):
    """What became of one of them."""

    id = fields.UUID(required=True)
    status = fields.Integer(
        required=True, metadata={"description": "As a PATCH of this task alone would have answered."}
    )
    code = fields.String(
        required=True, allow_none=True, metadata={"description": "Of the error; null where it is done."}
    )
    message = fields.String(required=True, allow_none=True)
    errors = fields.Dict(
        required=True, keys=fields.String(), values=fields.List(fields.String(), required=True)
    )
    version = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The version that it has now; null where you may not see it."},
    )


class BulkAnswer(Out):
    """What became of each, in the order of their ids."""

    data = fields.List(fields.Nested(BulkResult), required=True)


async def update_tasks(conn: Any, who: Caller, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Change each of these tasks as service.update_task() does; returns a BulkResult of each.

    All are locked first, in the order of their ids, as whoever takes several does.
    """
    wanted = {item["id"]: item for item in sorted(items, key=lambda item: item["id"])}
    ids = list(wanted)
    await sql.task_bulk.lock_tasks(conn, ids=ids)
    if any("projectId" in item for item in items):
        await sql.tasks.lock_graph(conn)
    numbering = [item["id"] for item in items if item.get("status") == "done"]
    targets = {item["projectId"] for item in items if item.get("projectId") is not None}
    if targets or numbering:
        # What is done may come again, with the next number of its project.
        await sql.task_bulk.lock_projects(conn, ids=list(targets), task_ids=numbering)
    rows = await sql.task_bulk.get_tasks(conn, ids=ids, viewer_id=who.id, sees_all=who.may(MANAGE))
    found = {row["id"]: row for row in rows}
    return [await update_item(conn, who, found.get(task_id), item) for task_id, item in wanted.items()]


async def update_item(conn: Any, who: Caller, task: Any, item: dict[str, Any]) -> dict[str, Any]:
    """Change one of them, which is locked; what fails is undone alone."""
    task_id: UUID = item["id"]
    version = item.get("version")
    data = {name: value for name, value in item.items() if name not in ("id", "version")}
    try:
        if task is None:
            raise TaskNotFound()
        if not task["_mayChange"]:
            raise NotYourTask()
        check_version(task, None if version is None else [version], by_etag=False)
        changes = service.find_changes(task, data)
        if changes:
            async with conn.transaction():
                task = await service.change_task(conn, who, task, changes)
    except AppError as error:
        return {
            "id": task_id,
            "status": status_of(type(error)),
            "code": error.code,
            "message": error.message,
            "errors": error.errors or {},
            "version": task["version"] if task is not None else None,
        }
    return {
        "id": task_id,
        "status": 200,
        "code": None,
        "message": None,
        "errors": {},
        "version": task["version"],
    }


async def patch_tasks(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        return await tx.reply({"data": await update_tasks(tx.conn, caller(request), body["items"])})


ROUTES = [
    patch(
        "/tasks",
        patch_tasks,
        "Change many tasks",
        BulkAnswer(),
        body=BulkUpdate(),
        access=allow(
            "task:create",
            whose="those that you created or are assigned to, of projects that you edit; holders of "
            "task:manage all",
        ),
        tag="Work",
        description=f"Up to {MAX_ITEMS}, each as `PATCH /tasks/{{id}}` would change it: one that fails keeps "
        "no other from being changed, and `status` and `code` say why.",
    ),
]

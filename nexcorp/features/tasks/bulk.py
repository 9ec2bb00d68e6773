"""Change many tasks in one request; a task that fails does not stop the others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import ValidationError, fields, validates_schema

from nexcorp.db import sql
from nexcorp.domain.fields import Body, Items, Out
from nexcorp.domain.tasks import tell_all
from nexcorp.domain.versions import check_version
from nexcorp.errors import AppError, TaskNotFound
from nexcorp.features.tasks import service
from nexcorp.features.tasks.errors import NotYourTask
from nexcorp.features.tasks.references import check_references
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import UpdateTask
from nexcorp.features.tasks.telling import describe_changes
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller
from nexcorp.security.caller import Caller
from nexcorp.web.errors import status_of
from nexcorp.web.routing import patch
from nexcorp.web.transactions import transaction

MAX_ITEMS = 100
# Fields that are changed for many tasks at once; others can be refused, and are changed one by one.
TOGETHER = {"kind", "title", "description", "status", "priority", "assigneeId", "dueDate"}
Change = tuple[Any, dict[str, Any]]


class BulkItem(UpdateTask):
    """One task and its changes; `place` is excluded, because it depends on another task's place."""

    class Meta(UpdateTask.Meta):
        exclude = ("place",)

    id = fields.UUID(required=True)

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for an item that changes nothing."""
        if not data.keys() - {"version", "id"}:
            raise ValidationError("Send what is to change.")


def check_ids(items: list[dict[str, Any]]) -> None:
    """Raise ValidationError if two items name the same task."""
    if len({item["id"] for item in items}) < len(items):
        raise ValidationError("Names a task twice.")


class BulkUpdate(Body):
    """Changes of many tasks."""

    items = Items(fields.Nested(BulkItem), least=1, most=MAX_ITEMS, required=True, checks=[check_ids])


class BulkResult(Out):
    """The result for one task."""

    id = fields.UUID(required=True)
    status = fields.Integer(
        required=True,
        metadata={
            "description": "The status with which a PATCH of this task alone would have been answered."
        },
    )
    code = fields.String(
        required=True, allow_none=True, metadata={"description": "The code of the error; null on success."}
    )
    message = fields.String(required=True, allow_none=True)
    errors = fields.Dict(
        required=True, keys=fields.String(), values=fields.List(fields.String(), required=True)
    )
    version = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The task's current version; null if you may not see it."},
    )


class BulkAnswer(Out):
    """The results, in the order of the tasks' ids."""

    data = fields.List(fields.Nested(BulkResult), required=True)


async def update_tasks(conn: Any, who: Caller, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Change each of these tasks as service.update_task() does; return a BulkResult for each.

    Locks all tasks first, in the order of their ids, as every transaction with several tasks does. Raises
    PermissionRequired.
    """
    who.require(service.READ)
    wanted = {item["id"]: item for item in sorted(items, key=lambda item: item["id"])}
    ids = list(wanted)
    await sql.task_bulk.lock_tasks(conn, ids=ids)
    if any("projectId" in item for item in items):
        await sql.tasks.lock_graph(conn)
    numbering = [item["id"] for item in items if item.get("status") == "done"]
    targets = {item["projectId"] for item in items if item.get("projectId") is not None}
    if targets or numbering:
        # A task that is done may be repeated, and its successor takes the next number of its project.
        await sql.task_bulk.lock_projects(conn, ids=list(targets), task_ids=numbering)
    rows = await sql.task_bulk.get_tasks(conn, ids=ids, viewer_id=who.id, sees_all=who.may(MANAGE))
    found = {row["id"]: row for row in rows}
    leading = {row["id"] for row in await sql.task_bulk.list_leading(conn, ids=ids)}
    results: dict[UUID, dict[str, Any]] = {}
    together: list[Change] = []
    for task_id, item in wanted.items():
        task = found.get(task_id)
        try:
            changes = check_item(task, item)
            if not changes:
                results[task_id] = describe(task_id, task)
            elif changes.keys() <= TOGETHER and not (task_id in leading and "status" in changes):
                together.append((task, changes))
            else:
                # A savepoint: an item that fails is undone alone.
                async with conn.transaction():
                    results[task_id] = describe(task_id, await service.change_task(conn, who, task, changes))
        except AppError as error:
            results[task_id] = describe(task_id, task, error)
    results |= await change_together(conn, who, together)
    return [results[task_id] for task_id in ids]


def check_item(task: Any, item: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an item that differ from its locked task (None: the caller cannot see it).

    Raises as service.update_task() does.
    """
    if task is None:
        raise TaskNotFound()
    if not task["_mayChange"]:
        raise NotYourTask()
    version = item.get("version")
    check_version(task, None if version is None else [version], by_etag=False)
    return service.find_changes(task, {name: item[name] for name in item if name not in ("id", "version")})


def describe(task_id: UUID, task: Any, error: AppError | None = None) -> dict[str, Any]:
    """Build a BulkResult."""
    return {
        "id": task_id,
        "status": status_of(type(error)) if error is not None else 200,
        "code": error.code if error is not None else None,
        "message": error.message if error is not None else None,
        "errors": (error.errors if error is not None else None) or {},
        "version": task["version"] if task is not None else None,
    }


async def change_together(conn: Any, who: Caller, together: list[Change]) -> dict[UUID, dict[str, Any]]:
    """Make changes in which only the assignee can be wrong, all of them in a few statements."""
    results: dict[UUID, dict[str, Any]] = {}
    refused: dict[UUID, AppError] = {}
    for assignee_id in {changes["assigneeId"] for _, changes in together if changes.get("assigneeId")}:
        wanted = {name: None for name in service.COLUMNS} | {"labelIds": [], "assigneeId": assignee_id}
        try:
            await check_references(conn, who, wanted, {"assigneeId"})
        except AppError as error:
            refused[assignee_id] = error
    good: list[Change] = []
    for task, changes in together:
        problem = refused.get(changes.get("assigneeId", task["id"]))
        if problem is None:
            good.append((task, changes))
        else:
            results[task["id"]] = describe(task["id"], task, problem)
    if not good:
        return results
    rows = [service.make_row(task, changes) for task, changes in good]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    await sql.tasks.update_tasks(conn, **columns, actor_id=who.id)
    changed = await sql.task_bulk.get_changed_tasks(conn, ids=columns["ids"])
    now = {task["id"]: task for task in changed}
    told = [
        (event, now[task["id"]], said)
        for task, changes in good
        for event, said in describe_changes(task, now[task["id"]], changes)
    ]
    await tell_all(conn, who.id, told)
    return results | {task_id: describe(task_id, task) for task_id, task in now.items()}


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
            whose="tasks that you created or are assigned to, and tasks of projects that you edit; all "
            "tasks for holders of task:manage; needs task:read, too",
        ),
        tag="Work",
        description=f"Up to {MAX_ITEMS}, each changed as by `PATCH /tasks/{{id}}`: a task that fails does "
        "not stop the others, and its `status` and `code` say why.",
    ),
]

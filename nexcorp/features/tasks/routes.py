"""Tasks over REST."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from nexcorp.errors import NotYourProject, PreconditionFailed, TaskNotFound
from nexcorp.features.tasks import service
from nexcorp.features.tasks.access import CHANGE, CREATE, OWN, READ, REMOVE, TAG
from nexcorp.features.tasks.errors import HasSubtasks, LinkCycle
from nexcorp.features.tasks.lists import list_tasks
from nexcorp.features.tasks.schemas import AssignTask, CreateTask, Task, TaskList, TaskQuery, UpdateTask
from nexcorp.security.app_keys import caller, database
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply_row
from nexcorp.web.routing import API_PREFIX, delete, get, patch, post, put
from nexcorp.web.transactions import transaction


async def create_task(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request, turn=body["projectId"]) as tx:
        row = await service.create_task(tx.conn, caller(request), body)
        return await tx.reply(row, 201, location=f"{API_PREFIX}/tasks/{row['id']}", version=row["version"])


async def get_task(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_task(conn, caller(request), path_id(request)))


async def update_task(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request, turn=path_id(request)) as tx:
        row = await service.update_task(tx.conn, caller(request), path_id(request), body, versions, by_etag)
        return await tx.reply(row, version=row["version"])


async def assign_task(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        row = await service.assign_task(tx.conn, caller(request), path_id(request), body["userId"], versions)
        return await tx.reply(row, version=row["version"])


async def delete_task(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await service.delete_task(tx.conn, caller(request), path_id(request), versions)
    return no_content()


ROUTES = [
    post(
        "/tasks",
        create_task,
        "Create a task or an issue",
        Task(),
        body=CreateTask(),
        errors=(NotYourProject,),
        access=CREATE,
        tag=TAG,
    ),
    get(
        "/tasks",
        list_tasks,
        "Tasks that you may see",
        TaskList(),
        query=TaskQuery(),
        access=READ,
        stale=True,
        tag=TAG,
    ),
    get("/tasks/{id}", get_task, "One task", Task(), errors=(TaskNotFound,), access=READ, tag=TAG),
    patch(
        "/tasks/{id}",
        update_task,
        "Change a task",
        Task(),
        body=UpdateTask(),
        errors=(*OWN, NotYourProject, HasSubtasks, LinkCycle),
        access=CHANGE,
        tag=TAG,
        description="Any status may follow any other. If you may no longer see the task after the "
        "change, the answer shows it for the last time.",
    ),
    put(
        "/tasks/{id}/assignee",
        assign_task,
        "Assign a task",
        Task(),
        body=AssignTask(),
        errors=(*OWN, PreconditionFailed),
        access=CHANGE,
        tag=TAG,
    ),
    delete(
        "/tasks/{id}",
        delete_task,
        "Put a task into the trash",
        errors=(*OWN, PreconditionFailed),
        access=REMOVE,
        tag=TAG,
    ),
]

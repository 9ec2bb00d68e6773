"""The trash over REST: deleted tasks, until they are restored or purged."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import fields

from nexcorp.db import sql
from nexcorp.delivery import describe_context
from nexcorp.domain.fields import Out
from nexcorp.domain.shapes import Person, page_of
from nexcorp.domain.tasks import purge_tasks, tell
from nexcorp.errors import TaskNotFound
from nexcorp.features.tasks import service
from nexcorp.features.tasks.access import OWN, READ, REMOVE, TAG
from nexcorp.features.tasks.errors import NotInTrash, ProjectDeleted
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import CLOSED, Task
from nexcorp.features.tasks.telling import tell_of_blocking
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database, user_id
from nexcorp.security.caller import Caller
from nexcorp.web.paging import LAST_ID, LAST_TIME, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import delete, get, post
from nexcorp.web.transactions import transaction

PURGE = "task:purge"
MOST_AT_ONCE = 1000
BY_DELETION: Cursor[tuple[datetime, UUID]] = Cursor(
    "trash", tuple[datetime, UUID], (LAST_TIME, LAST_ID), before_time="deletedAt", before="id"
)


class TrashedTask(Task):
    """A task in the trash."""

    deletedAt = fields.AwareDateTime(required=True)
    deletedBy = fields.Nested(Person, required=True, allow_none=True)


class Purged(Out):
    """The number of purged tasks."""

    purged = fields.Integer(required=True)


async def get_trashed(conn: Any, caller: Caller, task_id: UUID) -> Any:
    """Lock and return a task in the trash that the caller could see before; raise TaskNotFound."""
    await sql.tasks.lock_for_removal(conn, task_id=task_id)
    sees_all = caller.may(MANAGE) or caller.may(PURGE)
    task = await sql.tasks.get_trashed_task(conn, task_id=task_id, viewer_id=caller.id, sees_all=sees_all)
    if task is None:
        raise TaskNotFound()
    return task


async def take_out(conn: Any, caller: Caller, task_id: UUID) -> Any:
    """Restore a task from the trash, with its former number and place; return it.

    Raises PermissionRequired, TaskNotFound, NotYourTask, ProjectDeleted.
    """
    caller.require(service.READ)
    task = await get_trashed(conn, caller, task_id)
    service.check_remover(task, caller)
    if not task["_hasProject"]:
        raise ProjectDeleted()
    await sql.tasks.restore_task(conn, task_id=task_id)
    task = await service.get_task(conn, caller, task_id)
    await tell(conn, "task.restored", caller.id, task)
    if task["status"] not in CLOSED:
        await tell_of_blocking(conn, caller.id, task_id, is_open=True)
    return task


async def purge_trashed(conn: Any, caller: Caller, task_id: UUID) -> None:
    """Purge a task from the trash. Raises TaskNotFound, NotInTrash."""
    try:
        task = await get_trashed(conn, caller, task_id)
    except TaskNotFound:
        await service.get_task(conn, caller, task_id)
        raise NotInTrash() from None
    await purge_tasks(conn, [task["id"]], actor_id=caller.id, context=describe_context())


async def list_trash(request: web.Request, query: dict[str, Any]) -> web.Response:
    who = caller(request)
    async with database(request).connection() as conn:
        rows = await BY_DELETION.fetch(
            request, conn, query, sql.tasks.list_trash, viewer_id=who.id, sees_all=who.may(MANAGE)
        )
    return reply_page(request, rows, query["limit"], BY_DELETION)


async def empty_trash(request: web.Request) -> web.Response:
    me, purged = user_id(request), 0
    while True:
        # Each part is committed: after a request that times out, the next one continues.
        async with transaction(request) as tx:
            rows = await sql.tasks.list_own_trash(tx.conn, creator_id=me, most=MOST_AT_ONCE)
            ids = [row["id"] for row in rows]
            purged += await purge_tasks(tx.conn, ids, actor_id=me, context=describe_context())
        if len(ids) < MOST_AT_ONCE:
            return reply({"purged": purged})


async def restore_task(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        row = await take_out(tx.conn, caller(request), path_id(request))
        return await tx.reply(row, version=row["version"])


async def purge_task(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await purge_trashed(tx.conn, caller(request), path_id(request))
    return no_content()


ROUTES = [
    get(
        "/tasks/trash",
        list_trash,
        "Deleted tasks, the last deleted first",
        page_of(TrashedTask),
        query=PageQuery(),
        access=READ,
        tag=TAG,
        description="They are removed after 30 days.",
    ),
    delete(
        "/tasks/trash",
        empty_trash,
        "Remove your own deleted tasks for good",
        Purged(),
        200,
        access=allow("task:create", whose="tasks that you created"),
        tag=TAG,
    ),
    post(
        "/tasks/{id}/restore",
        restore_task,
        "Take a task out of the trash",
        Task(),
        200,
        errors=(*OWN, ProjectDeleted),
        access=REMOVE,
        tag=TAG,
    ),
    delete(
        "/tasks/{id}/purge",
        purge_task,
        "Remove a deleted task for good",
        errors=(TaskNotFound, NotInTrash),
        access=allow(PURGE),
        tag=TAG,
        description="Its texts, comments and files are deleted. The audit trail keeps a record that it "
        "existed.",
    ),
]

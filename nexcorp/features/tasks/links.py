"""Links between tasks: which task should be done before which. They inform, and forbid nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web
from marshmallow import fields

from nexcorp.db import sql
from nexcorp.domain.fields import Out
from nexcorp.domain.tasks import tell
from nexcorp.errors import TaskNotFound, on_constraint
from nexcorp.features.tasks import service
from nexcorp.features.tasks.access import CHANGE, OWN, READ, TAG
from nexcorp.features.tasks.errors import LinkCycle, TooManyLinks
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import CLOSED, STATUSES, one_of
from nexcorp.features.tasks.telling import tell_of_blocked
from nexcorp.security.app_keys import caller, database
from nexcorp.security.caller import Caller
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import delete, get, put
from nexcorp.web.transactions import transaction

MAX_LINKS = 50


class LinkedTask(Out):
    """A task at the other end of a link."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True, allow_none=True)
    title = fields.String(required=True)
    status = one_of(STATUSES, required=True)
    projectId = fields.UUID(required=True, allow_none=True)


class Links(Out):
    """The blockers of a task, and the tasks that it blocks; of hidden tasks only the number."""

    blockers = fields.List(fields.Nested(LinkedTask), required=True)
    hiddenBlockers = fields.Integer(required=True)
    blocking = fields.List(fields.Nested(LinkedTask), required=True)
    hiddenBlocking = fields.Integer(required=True)


async def read_links(conn: Any, caller: Caller, task_id: UUID) -> dict[str, Any]:
    """Return the links of a task, as the caller sees them."""
    rows = await sql.task_links.list_links(
        conn, task_id=task_id, viewer_id=caller.id, sees_all=caller.may(MANAGE)
    )
    shown: dict[bool, list[Any]] = {False: [], True: []}
    hidden = {False: 0, True: 0}
    for row in rows:
        if row["id"] is None:
            hidden[row["_blocks"]] += 1
        else:
            shown[row["_blocks"]].append(row)
    return {
        "blockers": shown[False],
        "hiddenBlockers": hidden[False],
        "blocking": shown[True],
        "hiddenBlocking": hidden[True],
    }


async def link(conn: Any, caller: Caller, task_id: UUID, blocker_id: UUID) -> None:
    """Make one task, which the caller sees, block another one, which the caller may change.

    Raises TaskNotFound, NotYourTask, LinkCycle, TooManyLinks.
    """
    task = await service.lock_own_task(conn, caller, task_id)
    await sql.tasks.lock_graph(conn)
    blocker = await service.get_task(conn, caller, blocker_id)
    if await sql.task_links.find_cycle(conn, blocker_id=blocker_id, blocked_id=task_id):
        raise LinkCycle()
    with on_constraint("task_links_blocker_id_fkey", TaskNotFound()):
        if not await sql.task_links.add_link(conn, blocker_id=blocker_id, blocked_id=task_id):
            return
    for one in (task_id, blocker_id):
        if await sql.task_links.count_links(conn, task_id=one) > MAX_LINKS:
            raise TooManyLinks()
    await tell(conn, "task.linked", caller.id, task, changed=["blockers"], blockerId=blocker_id)
    if blocker["status"] not in CLOSED and not task["blocked"]:
        await tell_of_blocked(conn, caller.id, task_id, blocker_id, is_blocked=True)


async def unlink(conn: Any, caller: Caller, task_id: UUID, blocker_id: UUID) -> None:
    """Remove a link of a task that the caller may change; they need not see its blocker.

    Raises TaskNotFound, NotYourTask.
    """
    task = await service.lock_own_task(conn, caller, task_id)
    await sql.tasks.lock_graph(conn)
    if not await sql.task_links.remove_link(conn, blocker_id=blocker_id, blocked_id=task_id):
        return
    await tell(conn, "task.unlinked", caller.id, task, changed=["blockers"], blockerId=blocker_id)
    after = await sql.tasks.get_changed_task(conn, task_id=task_id, viewer_id=caller.id)
    if task["blocked"] and not after["blocked"]:
        await tell_of_blocked(conn, caller.id, task_id, blocker_id, is_blocked=False, is_closed=False)


async def list_links(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        task = await service.get_task(conn, caller(request), path_id(request))
        return reply(await read_links(conn, caller(request), task["id"]))


async def add_blocker(request: web.Request) -> web.Response:
    task_id, blocker_id = path_id(request), path_id(request, "blockerId")
    async with transaction(request) as tx:
        await link(tx.conn, caller(request), task_id, blocker_id)
        return await tx.reply(await read_links(tx.conn, caller(request), task_id))


async def remove_blocker(request: web.Request) -> web.Response:
    task_id, blocker_id = path_id(request), path_id(request, "blockerId")
    async with transaction(request) as tx:
        await unlink(tx.conn, caller(request), task_id, blocker_id)
        return await tx.reply(await read_links(tx.conn, caller(request), task_id))


ROUTES = [
    get(
        "/tasks/{id}/blockers",
        list_links,
        "Tasks that block a task, and tasks that it blocks",
        Links(),
        errors=(TaskNotFound,),
        access=READ,
        tag=TAG,
    ),
    put(
        "/tasks/{id}/blockers/{blockerId}",
        add_blocker,
        "Make a task block another one",
        Links(),
        errors=(*OWN, LinkCycle, TooManyLinks),
        access=CHANGE,
        tag=TAG,
        description="You must be able to see the blocker, and to change the blocked task.",
    ),
    delete(
        "/tasks/{id}/blockers/{blockerId}",
        remove_blocker,
        "Stop a task from blocking another one",
        Links(),
        200,
        errors=OWN,
        access=CHANGE,
        tag=TAG,
    ),
]

"""The rules of tasks: who may create, change and delete one, and its valid references."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.domain.attachments import set_uploads
from nexcorp.domain.tasks import describe_states, tell
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import Invalid, StaleVersion, TaskNotFound
from nexcorp.features.tasks.due import same_due, split_due
from nexcorp.features.tasks.errors import HasSubtasks, LinkCycle, NotYourTask
from nexcorp.features.tasks.ranks import find_place, plan_place
from nexcorp.features.tasks.references import REFERENCES, check_references, on_lost_reference, take_number
from nexcorp.features.tasks.rooms import MANAGE
from nexcorp.features.tasks.schemas import CLOSED, PRIORITIES
from nexcorp.features.tasks.series import make_next, same_repeat, set_repeat
from nexcorp.features.tasks.telling import TEXTS, ids_of, tell_of_blocking, tell_of_changes, tell_of_spread
from nexcorp.security.caller import Caller

READ = "task:read"
# Fields that are read and written with the row; labels have their own table.
COLUMNS = {
    "kind": "kind",
    "title": "title",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "assigneeId": "_assigneeId",
    "projectId": "projectId",
    "leadId": "leadId",
    "parentId": "parentId",
}


async def get_task(conn: Any, caller: Caller, task_id: UUID) -> Any:
    """Return a task that the caller may see; raise TaskNotFound."""
    task = await sql.tasks.get_task(conn, task_id=task_id, viewer_id=caller.id, sees_all=caller.may(MANAGE))
    if task is None:
        raise TaskNotFound()
    return task


async def lock_task(conn: Any, caller: Caller, task_id: UUID) -> Any:
    """Lock and return a task that the caller may see; raise TaskNotFound, PermissionRequired."""
    # The answer to a change shows the task.
    caller.require(READ)
    who: dict[str, Any] = {"viewer_id": caller.id, "sees_all": caller.may(MANAGE)}
    task = await sql.tasks.get_locked_task(conn, task_id=task_id, **who)
    if task is not None and task["_isStale"]:
        task = await sql.tasks.get_locked_task(conn, task_id=task_id, **who)
    if task is None or task["id"] is None:
        raise TaskNotFound()
    return task


async def lock_own_task(conn: Any, caller: Caller, task_id: UUID) -> Any:
    """Lock and return a task that the caller may change; raise as lock_task() does, and NotYourTask."""
    task = await lock_task(conn, caller, task_id)
    if not task["_mayChange"]:
        raise NotYourTask()
    return task


def check_remover(task: Any, caller: Caller) -> None:
    """Raise NotYourTask unless the caller created the task or holds task:manage."""
    if task["_creatorId"] != caller.id and not caller.may(MANAGE):
        raise NotYourTask(message=f"Only the creator and holders of {MANAGE} may delete a task.")


def number_of(priority: str) -> int:
    """Return the table's number of a priority."""
    return PRIORITIES.index(priority) + 1


async def create_task(conn: Any, caller: Caller, data: dict[str, Any]) -> Any:
    """Create a task of the caller's from the fields of CreateTask, and optionally `externalRef`; return it.

    Notifies the assignee. Raises Invalid and Forbidden as check_references() does.
    """
    if data["parentId"] is not None:
        await sql.tasks.lock_graph(conn)
    await check_references(conn, caller, data, set(data))
    number = await take_number(conn, data["projectId"])
    with on_lost_reference():
        task_id = await sql.tasks.insert_task(
            conn,
            task_id=None,
            kind=data["kind"],
            title=data["title"],
            description=data["description"],
            status=data["status"],
            priority=number_of(data["priority"]),
            creator_id=caller.id,
            assignee_id=data["assigneeId"],
            project_id=data["projectId"],
            number=number,
            lead_id=data["leadId"],
            parent_id=data["parentId"],
            external_ref=data.get("externalRef"),
            **split_due(data["dueDate"]),
        )
        if data["labelIds"]:
            await sql.tasks.set_labels(conn, task_id=task_id, label_ids=data["labelIds"])
    if data.get("uploadIds"):
        await set_uploads(conn, caller.id, data["uploadIds"], task_id=task_id)
    if data.get("repeat") is not None:
        await set_repeat(conn, caller, task_id, data["repeat"])
    task = await get_task(conn, caller, task_id)
    after = {**describe_states(task), "labelIds": data["labelIds"]}
    await tell(conn, "task.created", caller.id, task, after=after)
    return task


def find_changes(task: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `data`, a PATCH, that differ from the task."""
    changes = {
        name: data[name] for name, column in COLUMNS.items() if name in data and data[name] != task[column]
    }
    if "dueDate" in data and not same_due(task, data["dueDate"]):
        changes["dueDate"] = data["dueDate"]
    if "labelIds" in data and set(data["labelIds"]) != set(ids_of(task["labels"])):
        changes["labelIds"] = data["labelIds"]
    if "uploadIds" in data and (data["uploadIds"] or []) != ids_of(task["uploads"]):
        changes["uploadIds"] = data["uploadIds"] or []
    if "repeat" in data and not same_repeat(task, data["repeat"]):
        changes["repeat"] = data["repeat"]
    return changes


async def update_task(
    conn: Any,
    caller: Caller,
    task_id: UUID,
    data: dict[str, Any],
    versions: Versions | None,
    by_etag: bool,
) -> Any:
    """Change the fields in `data`; return the task, unchanged if it has these values already.

    Notifies creator, assignee and watchers. Raises NotFound, Forbidden, Invalid, HasSubtasks, LinkCycle, and
    for old `versions` StaleVersion with the current row, or PreconditionFailed if they came as If-Match.
    """
    place = data.pop("place", None)
    column = await lock_column(conn, caller, task_id, data, place) if place is not None else None
    task = await lock_own_task(conn, caller, task_id)
    check_version(task, versions, by_etag=by_etag)
    changes = find_changes(task, data)
    if column is not None:
        if column != (data.get("projectId", task["projectId"]), data.get("status", task["status"])):
            # The task has left the column: a conflict, whether or not the caller named a version.
            raise StaleVersion(current=row_to_dict(task))
        changes["place"] = place
    if not changes:
        return task
    return await change_task(conn, caller, task, changes)


async def lock_column(
    conn: Any, caller: Caller, task_id: UUID, data: dict[str, Any], place: dict[str, UUID]
) -> tuple[UUID, str]:
    """Lock the column of a task as `data` will change it; return the column's project and status.

    The column is locked before the task's row, because a transaction that spreads the column may need that
    row. The task and the rows to spread are locked together, in the usual order. Raises TaskNotFound, and
    Invalid for a task without a column.
    """
    task = await get_task(conn, caller, task_id)
    project_id = data.get("projectId", task["projectId"])
    status = data.get("status", task["status"])
    if project_id is None:
        raise Invalid(errors={"place": ["A task of no project has no place."]})
    await sql.task_board.lock_column(conn, project_id=project_id, status=status)
    # A wrong place is reported later, after errors of the caller's rights and of the version.
    with suppress(Invalid):
        _, spread = await plan_place(conn, caller, task_id, project_id, status, place)
        if spread:
            await sql.task_bulk.lock_tasks(conn, ids=[task_id, *spread])
    return project_id, status


async def change_task(conn: Any, caller: Caller, task: Any, changes: dict[str, Any]) -> Any:
    """Apply these changes, all real differences, to a locked task; return it. Raises as update_task()."""
    place = changes.pop("place", None)
    moves = "projectId" in changes
    if moves:
        # Parent and labels belong to the project that the task leaves.
        changes.setdefault("parentId", None)
        changes.setdefault("labelIds", [])
    if moves or changes.get("parentId") is not None:
        await sql.tasks.lock_graph(conn)
        if await sql.tasks.has_subtasks(conn, task_id=task["id"]):
            raise HasSubtasks()
        if changes["parentId"] is not None and await sql.task_links.is_linked(
            conn, one_id=task["id"], other_id=changes["parentId"]
        ):
            raise LinkCycle()
    # Watchers who cannot see the task after its move are told that it goes.
    watcher_ids = await sql.tasks.list_watchers_of(conn, task_id=task["id"]) if moves else ()
    is_now = {name: task[column] for name, column in COLUMNS.items()}
    wanted = {**is_now, "labelIds": ids_of(task["labels"]), **changes}
    if wanted["parentId"] == task["id"]:
        raise Invalid(errors={"parentId": ["It is the task itself."]})
    if not REFERENCES.isdisjoint(changes):
        await check_references(conn, caller, wanted, set(changes))
    number, rank = task["number"], task["rank"]
    spread: dict[UUID, int] = {}
    if moves:
        number = await take_number(conn, wanted["projectId"])
    if place is not None:
        rank, spread = await find_place(
            conn, caller, task["id"], wanted["projectId"], wanted["status"], place
        )
    elif moves or "status" in changes:
        # The end of its column.
        rank = None
    due = {"due_at": task["dueAt"], "due_on": task["_dueOn"]}
    if "dueDate" in changes:
        due = split_due(changes["dueDate"])
    with on_lost_reference():
        await sql.tasks.update_task(
            conn,
            task_id=task["id"],
            kind=wanted["kind"],
            title=wanted["title"],
            description=wanted["description"],
            status=wanted["status"],
            priority=number_of(wanted["priority"]),
            assignee_id=wanted["assigneeId"],
            project_id=wanted["projectId"],
            number=number,
            lead_id=wanted["leadId"],
            parent_id=wanted["parentId"],
            rank=rank,
            step=int(bool(changes)),
            **due,
        )
        if "labelIds" in changes:
            await sql.tasks.set_labels(conn, task_id=task["id"], label_ids=changes["labelIds"])
    if "uploadIds" in changes:
        await set_uploads(conn, caller.id, changes["uploadIds"], task_id=task["id"])
    for name in TEXTS:
        if name in changes:
            await sql.tasks.insert_revision(
                conn,
                task_id=task["id"],
                version=task["version"] + 1,
                field=name,
                old_text=task[name],
                actor_id=caller.id,
            )
    if "repeat" in changes:
        await set_repeat(conn, caller, task["id"], changes["repeat"])
        changes["seriesId"] = True
    if spread:
        await tell_of_spread(conn, wanted["projectId"], wanted["status"], spread)
    changed = await tell_of_changes(conn, caller.id, task, changes, watcher_ids)
    if changes.get("status") == "done" and changed["seriesId"] is not None:
        await make_next(conn, caller, task["id"])
    return changed


def make_row(task: Any, changes: dict[str, Any]) -> dict[str, Any]:
    """Return a changed task as parameters of update_tasks()."""
    wanted = {name: task[column] for name, column in COLUMNS.items()} | changes
    due = {"due_at": task["dueAt"], "due_on": task["_dueOn"]}
    if "dueDate" in changes:
        due = split_due(changes["dueDate"])
    return {
        "ids": task["id"],
        "kinds": wanted["kind"],
        "titles": wanted["title"],
        "descriptions": wanted["description"],
        "statuses": wanted["status"],
        "priorities": number_of(wanted["priority"]),
        "assignee_ids": wanted["assigneeId"],
        "due_ats": due["due_at"],
        "due_ons": due["due_on"],
    }


async def assign_task(
    conn: Any, caller: Caller, task_id: UUID, assignee_id: UUID | None, versions: Versions | None
) -> Any:
    """Assign a task to somebody, or to nobody (None); return it. Raises as update_task() does."""
    return await update_task(conn, caller, task_id, {"assigneeId": assignee_id}, versions, True)


async def delete_task(conn: Any, caller: Caller, task_id: UUID, versions: Versions | None) -> None:
    """Move a task to the trash. Raises NotFound, Forbidden, PreconditionFailed."""
    task = await lock_task(conn, caller, task_id)
    check_remover(task, caller)
    check_version(task, versions)
    # Read the watchers while they still see the task.
    watcher_ids = await sql.tasks.list_watchers_of(conn, task_id=task_id)
    await sql.tasks.trash_task(conn, task_id=task_id, user_id=caller.id)
    gone = {**task, "version": task["version"] + 1, "_watcherIds": watcher_ids}
    await tell(conn, "task.deleted", caller.id, gone)
    if task["status"] not in CLOSED:
        await tell_of_blocking(conn, caller.id, task_id, is_open=False)

"""What events say of tasks: references, and whom they concern; and what else follows from a change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit, emit_all
from nexcorp.delivery.effects import WAKE, Forget

# What is kept of lists and statistics for whoever sees every task; see nexcorp.features.tasks.kept.
ALL_KEPT = "tasks"
# Members of a task that events name with what they were and are. Texts only by their names.
STATES = ("kind", "status", "priority", "projectId", "leadId", "parentId", "dueDate", "seriesId")


def name_person(user_id: Any) -> str:
    """The group of what is kept for a person."""
    return f"tasks:user:{user_id}"


def name_project(project_id: Any) -> str:
    """The group of what is kept of a project."""
    return f"tasks:project:{project_id}"


def describe_states(task: Any) -> dict[str, Any]:
    """A task's states, ids and dates."""
    return {name: task[name] for name in STATES} | {"assigneeId": task["_assigneeId"]}


def make_payload(task: Any, watcher_ids: list[UUID], more: dict[str, Any]) -> dict[str, Any]:
    """What an event says of a task as it is now, with `more`."""
    return {
        "version": task["version"],
        "creatorId": task["_creatorId"],
        "assigneeId": task["_assigneeId"],
        "projectId": task["projectId"],
        "parentId": task["parentId"],
        "watcherIds": watcher_ids,
        **more,
    }


def forget_kept(conn: Any, payloads: Iterable[dict[str, Any]]) -> None:
    """Have lists and statistics forgotten that tasks with these events may be in."""
    groups: set[str] = set()
    for payload in payloads:
        people = (payload.get(name) for name in ("creatorId", "assigneeId", "previousAssigneeId"))
        projects = (payload.get(name) for name in ("projectId", "previousProjectId"))
        groups |= {name_person(one) for one in people if one} | {name_project(one) for one in projects if one}
    conn.after(Forget(ALL_KEPT, tuple(sorted(groups)), of_lists=True))


async def tell(conn: Any, event: str, actor_id: UUID | None, task: Any, **more: Any) -> None:
    """Emit `event` of a task as it is now, with `more` in its payload.

    Events of one project are delivered in their order, or those of a task without one.
    """
    watcher_ids = task.get("_watcherIds")
    if watcher_ids is None:
        watcher_ids = await sql.tasks.list_watchers_of(conn, task_id=task["id"])
    payload = make_payload(task, watcher_ids, more)
    forget_kept(conn, [payload])
    await emit(
        conn,
        event,
        actor_id=actor_id,
        entity=("task", task["id"]),
        payload=payload,
        root=task["projectId"] or task["id"],
    )


async def tell_all(conn: Any, actor_id: UUID | None, told: list[tuple[str, Any, dict[str, Any]]]) -> None:
    """The same for (event, task, more) of several tasks, which say who watches them."""
    events = [
        (event, task["id"], make_payload(task, task["_watcherIds"], more), task["projectId"])
        for event, task, more in told
    ]
    forget_kept(conn, [payload for _, _, payload, _ in events])
    await emit_all(conn, "task", events, actor_id=actor_id)


async def show_task(
    conn: Any, task_id: UUID, viewer_id: UUID | None, *, actor_id: UUID | None, changed: Sequence[str]
) -> Any:
    """Show the rooms a task as it is now, of which the members `changed` are different.

    Returns it as the viewer sees it; None where it is gone, or in the trash.
    """
    task = await sql.tasks.find_changed_task(conn, task_id=task_id, viewer_id=viewer_id)
    if task is None:
        return None
    await tell(conn, "task.updated", actor_id, task, changed=changed)
    return task


async def show_moved(
    conn: Any, event: str, moved: Sequence[Any], name: str, is_now: UUID | None, *, actor_id: UUID | None
) -> None:
    """Emit of tasks, rows of `id` and `was`, that their member `name` was that and is something else now."""
    was = {row["id"]: row["was"] for row in moved}
    if not was:
        return
    tasks = await sql.task_bulk.get_changed_tasks(conn, ids=list(was))
    told = [
        (event, task, {"changed": [name], "before": {name: was[task["id"]]}, "after": {name: is_now}})
        for task in sorted(tasks, key=lambda task: task["id"])
    ]
    await tell_all(conn, actor_id, told)


async def relink_tasks(conn: Any, lead_id: UUID, into_id: UUID | None, *, actor_id: UUID | None) -> None:
    """Have the tasks of a lead be of another one, or of none, and shown so.

    Call sql.tasks.lock_tasks_of_lead ahead of locks of leads: whoever links a task has locked it first.
    """
    moved = await sql.tasks.relink_tasks(conn, lead_id=lead_id, into_id=into_id)
    await show_moved(conn, "task.updated", moved, "leadId", into_id, actor_id=actor_id)


async def purge_tasks(
    conn: Any, ids: Sequence[UUID], *, actor_id: UUID | None, context: dict[str, Any]
) -> int:
    """Remove for good tasks that are in the trash and locked, with all that is on them; returns how many.

    Their subtasks stay, below none.
    """
    moved = await sql.tasks.raise_subtasks(conn, parent_ids=ids)
    await show_moved(conn, "task.raised", moved, "parentId", None, actor_id=actor_id)
    await sql.uploads.take_off_purged(conn, task_ids=ids)
    purged: int = await sql.tasks.purge_tasks(conn, ids=ids, actor_id=actor_id, context=context)
    conn.after(WAKE)
    return purged

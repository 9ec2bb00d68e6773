"""Events of tasks, and the effects that follow from a change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit, emit_all
from nexcorp.delivery.effects import WAKE, Forget

# The cache group of the lists and statistics for people who see every task; see nexcorp.features.tasks.kept.
ALL_KEPT = "tasks"
# Members of a task whose values events hold, before and after. Of texts events hold only the names.
STATES = ("kind", "status", "priority", "projectId", "leadId", "parentId", "dueDate", "seriesId")
# How many tasks are emitted at once.
PART = 500


def name_person(user_id: Any) -> str:
    """Return the cache group of a person's lists."""
    return f"tasks:user:{user_id}"


def name_project(project_id: Any) -> str:
    """Return the cache group of a project's lists."""
    return f"tasks:project:{project_id}"


def describe_states(task: Any) -> dict[str, Any]:
    """Return a task's states, ids and dates."""
    return {name: task[name] for name in STATES} | {"assigneeId": task["_assigneeId"]}


def make_payload(task: Any, watcher_ids: list[UUID], more: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of an event about a task as it is now, with `more`."""
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
    """Invalidate the cached lists and statistics in which the tasks of these events may appear."""
    groups: set[str] = set()
    for payload in payloads:
        people = (payload.get(name) for name in ("creatorId", "assigneeId", "previousAssigneeId"))
        projects = (payload.get(name) for name in ("projectId", "previousProjectId"))
        groups |= {name_person(one) for one in people if one} | {name_project(one) for one in projects if one}
    conn.after(Forget(ALL_KEPT, tuple(sorted(groups)), of_lists=True))


async def tell(conn: Any, event: str, actor_id: UUID | None, task: Any, **more: Any) -> None:
    """Emit `event` of a task as it is now, with `more` in its payload.

    Events of one project are delivered in order, as are those of a task without a project.
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
    """Do as tell() does for (event, task, more) of several tasks, which must have `_watcherIds`."""
    events = [
        (event, task["id"], make_payload(task, task["_watcherIds"], more), task["projectId"])
        for event, task, more in told
    ]
    forget_kept(conn, [payload for _, _, payload, _ in events])
    await emit_all(conn, "task", events, actor_id=actor_id)


async def show_task(
    conn: Any, task_id: UUID, viewer_id: UUID | None, *, actor_id: UUID | None, changed: Sequence[str]
) -> Any:
    """Emit task.updated for a task whose members `changed` are different.

    Return the task as the viewer sees it; None if it is gone or in the trash.
    """
    task = await sql.tasks.find_changed_task(conn, task_id=task_id, viewer_id=viewer_id)
    if task is None:
        return None
    await tell(conn, "task.updated", actor_id, task, changed=changed)
    return task


async def find_seen(conn: Any, actor_id: UUID | None, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these tasks that the actor sees.

    Events of other tasks must not name them as the actor: people may read their own actions, and would learn
    of tasks that they may not see.
    """
    if actor_id is None:
        return set()
    return {row["id"] for row in await sql.tasks.list_seen(conn, user_id=actor_id, ids=ids)}


async def tell_of_loss(
    conn: Any, rows: Iterable[Any], name: str, *, actor_id: UUID | None, is_now: UUID | None = None
) -> None:
    """Emit that the member `name`, an id, of tasks has changed because the entity it named is gone.

    `rows` hold a task's id and the member's former value (`previous`). Tasks in the trash are skipped.
    """
    previous = {row["id"]: row["previous"] for row in rows}
    ids = sorted(previous)
    for start in range(0, len(ids), PART):
        part = await sql.task_bulk.get_changed_tasks(conn, ids=ids[start : start + PART])
        seen = await find_seen(conn, actor_id, ids[start : start + PART])
        for actor in dict.fromkeys((actor_id, None)):
            told = [
                (
                    "task.released",
                    task,
                    {"changed": [name], "before": {name: previous[task["id"]]}, "after": {name: is_now}},
                )
                for task in part
                if task["_deletedAt"] is None and (task["id"] in seen) == (actor is not None)
            ]
            if told:
                await tell_all(conn, actor, told)


async def give_to_lead(conn: Any, lead_id: UUID, into_id: UUID | None, *, actor_id: UUID) -> None:
    """Move the tasks of a lead to another lead, or to none (None); both leads must be locked."""
    rows = await sql.tasks.give_to_lead(conn, lead_id=lead_id, into_id=into_id)
    await tell_of_loss(conn, rows, "leadId", actor_id=actor_id, is_now=into_id)


async def purge_tasks(
    conn: Any, ids: Sequence[UUID], *, actor_id: UUID | None, context: dict[str, Any]
) -> int:
    """Delete tasks for good, which must be in the trash and locked, with all their parts; return how many."""
    freed = await sql.tasks.release_subtasks(conn, parent_ids=ids)
    await tell_of_loss(conn, freed, "parentId", actor_id=actor_id)
    await sql.uploads.take_off_uploads(conn, post_id=None, task_ids=ids, but_ids=[])
    purged: int = await sql.tasks.purge_tasks(conn, ids=ids, actor_id=actor_id, context=context)
    conn.after(WAKE)
    return purged

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
# How many are shown at once.
PART = 500


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


async def find_seen(conn: Any, actor_id: UUID | None, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these tasks that somebody sees. Events of others do not name them as the actor: everybody may
    read what they did themselves, and would find there what they may not see."""
    if actor_id is None:
        return set()
    return {row["id"] for row in await sql.tasks.list_seen(conn, user_id=actor_id, ids=ids)}


async def tell_of_loss(
    conn: Any, rows: Iterable[Any], name: str, *, actor_id: UUID | None, is_now: UUID | None = None
) -> None:
    """Emit of tasks that their member `name`, an id, is another one, as what it named is gone.

    `rows` say of each task its id and what the member was (`previous`). Those in the trash are passed over.
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
    """Tasks of a lead become those of another one, or of none: both are locked."""
    rows = await sql.tasks.give_to_lead(conn, lead_id=lead_id, into_id=into_id)
    await tell_of_loss(conn, rows, "leadId", actor_id=actor_id, is_now=into_id)


async def purge_tasks(
    conn: Any, ids: Sequence[UUID], *, actor_id: UUID | None, context: dict[str, Any]
) -> int:
    """Remove for good tasks that are in the trash and locked, with all that is on them; returns how many."""
    freed = await sql.tasks.release_subtasks(conn, parent_ids=ids)
    await tell_of_loss(conn, freed, "parentId", actor_id=actor_id)
    await sql.uploads.take_off_uploads(conn, post_id=None, task_ids=ids, but_ids=[])
    purged: int = await sql.tasks.purge_tasks(conn, ids=ids, actor_id=actor_id, context=context)
    conn.after(WAKE)
    return purged

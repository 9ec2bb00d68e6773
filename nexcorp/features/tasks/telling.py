"""What events say of a task: references, and whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit, emit_all
from nexcorp.delivery.effects import Forget
from nexcorp.features.tasks.kept import ALL_KEPT, name_person, name_project

# Members of a task that events name with what they were and are. Texts only by their names.
STATES = ("kind", "status", "priority", "projectId", "leadId", "parentId", "dueDate", "seriesId")


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


async def tell_of_blocking(conn: Any, actor_id: UUID | None, blocker_id: UUID, *, is_open: bool) -> None:
    """Emit of each task that this one alone blocks that it is blocked from now on, or not any more."""
    for row in await sql.tasks.list_hanging(conn, blocker_id=blocker_id):
        await tell_of_blocked(conn, actor_id, row["blocked_id"], blocker_id, is_blocked=is_open)


async def tell_of_blocked(
    conn: Any,
    actor_id: UUID | None,
    task_id: UUID,
    blocker_id: UUID,
    *,
    is_blocked: bool,
    is_closed: bool = True,
) -> None:
    """Emit that one task is blocked from now on, or not any more; `is_closed`: as its blocker was closed."""
    task = await sql.tasks.get_changed_task(conn, task_id=task_id, viewer_id=actor_id)
    event = "task.blocked" if is_blocked else "task.unblocked"
    await tell(conn, event, actor_id, task, changed=["blocked"], blockerId=blocker_id, isClosed=is_closed)


async def tell_of_spread(
    conn: Any, actor_id: UUID | None, project_id: UUID, status: str, ranks: dict[UUID, int]
) -> None:
    """Emit that tasks of a column were spread, for want of room for another one."""
    await emit(
        conn,
        "task.reordered",
        actor_id=actor_id,
        entity=("project", project_id),
        payload={"status": status, "ranks": {str(one): rank for one, rank in ranks.items()}},
    )

"""What events say of a task: references, and whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.effects import WAKE

# Members of a task that events name with what they were and are. Texts only by their names.
STATES = ("kind", "status", "priority", "projectId", "leadId", "parentId", "dueDate")


def describe_states(task: Any) -> dict[str, Any]:
    """A task's states, ids and dates."""
    return {name: task[name] for name in STATES} | {"assigneeId": task["_assigneeId"]}


async def tell(conn: Any, event: str, actor_id: UUID | None, task: Any, **more: Any) -> None:
    """Emit `event` of a task as it is now, with `more` in its payload.

    Events of one project are delivered in their order, or those of a task without one.
    """
    watcher_ids = task.get("_watcherIds")
    if watcher_ids is None:
        watcher_ids = await sql.tasks.list_watchers_of(conn, task_id=task["id"])
    payload: dict[str, Any] = {
        "version": task["version"],
        "creatorId": task["_creatorId"],
        "assigneeId": task["_assigneeId"],
        "projectId": task["projectId"],
        "parentId": task["parentId"],
        "watcherIds": watcher_ids,
        **more,
    }
    await emit(
        conn,
        event,
        actor_id=actor_id,
        entity=("task", task["id"]),
        payload=payload,
        root=task["projectId"] or task["id"],
    )


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


async def purge_tasks(
    conn: Any, ids: Sequence[UUID], *, actor_id: UUID | None, context: dict[str, Any]
) -> int:
    """Remove for good tasks that are in the trash and locked, with all that is on them; returns how many."""
    await sql.uploads.take_off_purged(conn, task_ids=ids)
    purged: int = await sql.tasks.purge_tasks(conn, ids=ids, actor_id=actor_id, context=context)
    conn.after(WAKE)
    return purged

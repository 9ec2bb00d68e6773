"""Repeated tasks: when one is done, the same transaction makes the next one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import decode
from nexcorp.domain.tasks import describe_states, tell
from nexcorp.errors import Invalid
from nexcorp.security.caller import Caller


def same_repeat(task: Any, repeat: dict[str, Any] | None) -> bool:
    """Return whether a task is repeated like this already."""
    known = decode(task["repeat"]) if task["repeat"] is not None else None
    if repeat is None or known is None:
        return repeat is known
    until = repeat["until"].isoformat() if repeat["until"] is not None else None
    zone = repeat["timezone"] or known["timezone"]
    return bool({**repeat, "until": until, "timezone": zone} == known)


async def set_repeat(conn: Any, caller: Caller, task_id: UUID, repeat: dict[str, Any] | None) -> None:
    """Make a locked task the first of a new series, or end its series (None).

    Raises Invalid without a due date, for one after the last day, and for an unknown time zone.
    """
    if repeat is None:
        await sql.task_series.end_series(conn, task_id=task_id)
        return
    zone = repeat["timezone"]
    if zone is not None and not await sql.task_series.is_zone(conn, name=zone):
        raise Invalid(errors={"repeat.timezone": ["There is no such time zone."]})
    begun = await sql.task_series.begin_series(conn, task_id=task_id, caller_id=caller.id, **repeat)
    if begun is None:
        raise Invalid(errors={"repeat": ["Needs a dueDate."]})
    if repeat["until"] is not None and repeat["until"] < begun["starts_on"]:
        raise Invalid(errors={"repeat.until": ["Lies before the dueDate."]})


async def make_next(conn: Any, caller: Caller, task_id: UUID) -> None:
    """Make the successor of a task that was just done, if its series goes on; at most one is made."""
    await sql.task_series.lock_series(conn, task_id=task_id)
    plan = await sql.task_series.plan_next(conn, task_id=task_id)
    if plan is None:
        return
    values: dict[str, Any] = dict(plan)
    series: dict[str, Any] = {name: values.pop(name) for name in ("series_id", "occurrence")}
    label_ids, number = values.pop("label_ids"), None
    if plan["project_id"] is not None:
        number = await sql.tasks.take_number(conn, project_id=plan["project_id"])
        if number is None:
            # The project is in the trash.
            return
    next_id = await sql.tasks.insert_task(
        conn, task_id=None, **values, status="todo", number=number, external_ref=None
    )
    await sql.task_series.join_series(conn, task_id=next_id, **series)
    if label_ids:
        await sql.tasks.set_labels(conn, task_id=next_id, label_ids=label_ids)
    await sql.task_watchers.copy_watchers(conn, from_id=task_id, to_id=next_id)
    await sql.checklists.copy_items(conn, from_id=task_id, to_id=next_id)
    task = await sql.tasks.get_changed_task(conn, task_id=next_id, viewer_id=caller.id)
    after = {**describe_states(task), "labelIds": label_ids}
    await tell(conn, "task.created", caller.id, task, after=after)

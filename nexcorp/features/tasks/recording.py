"""Record imports in the histories of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import show_time
from nexcorp.delivery import record_all
from nexcorp.domain.tasks import describe_states, make_payload
from nexcorp.features.tasks.telling import describe_changes, ids_of


async def record_import(
    conn: Any,
    owner_id: UUID,
    import_id: UUID,
    ids: Sequence[UUID],
    changes: Sequence[tuple[Any, dict[str, Any]]],
) -> None:
    """Record in the history of each of the tasks `ids` how an import changed it: it was created, or `changes`
    lists (task before, changes). Nobody is notified."""
    was = {task["id"]: (task, what) for task, what in changes}
    events = []
    # `sees_all`: the owner may have lost sight of tasks by assigning them to others.
    for row in await sql.task_bulk.read_tasks(conn, ids=list(ids), viewer_id=owner_id, sees_all=True):
        task = complete(row)
        if row["id"] in was:
            before, what = was[row["id"]]
            found = describe_changes(complete(before), task, what)
        else:
            found = [
                ("task.created", {"after": {**describe_states(task), "labelIds": ids_of(row["labels"])}})
            ]
        for event, said in found:
            events.append((event, row["id"], make_payload(task, [], {**said, "importId": import_id})))
    await record_all(conn, "task", events, actor_id=owner_id)


def complete(row: Any) -> dict[str, Any]:
    """Add the fields of a shown task to a row of read_tasks(); an import changes no uploads."""
    return {**row, "dueDate": row["_dueOn"] or show_time(row["dueAt"]), "uploads": b"[]"}

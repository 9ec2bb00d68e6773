"""Events about tasks: changes, blockers, columns that were spread, and imports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import decode
from nexcorp.delivery import emit, emit_all
from nexcorp.domain.tasks import describe_states, find_seen, forget_kept, tell
from nexcorp.features.tasks.schemas import CLOSED

TEXTS = ("title", "description")


def ids_of(things: Any) -> list[UUID]:
    """Return the ids of labels or uploads from a task's row."""
    return [UUID(one["id"]) for one in decode(things)]


def describe_changes(before: Any, task: Any, changes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a change, with the payload of each besides the task."""
    # A field in `changes` counts only if its value differs, such as labels that were empty before.
    was, is_now = describe_states(before), describe_states(task)
    was |= {"labelIds": ids_of(before["labels"]), "uploadIds": ids_of(before["uploads"])}
    is_now |= {"labelIds": ids_of(task["labels"]), "uploadIds": ids_of(task["uploads"])}
    changed = [name for name in TEXTS if name in changes]
    changed += [name for name in was if name in changes and was[name] != is_now[name]]
    if not changes and task["rank"] != before["rank"]:
        changed = ["rank"]
        was["rank"], is_now["rank"] = before["rank"], task["rank"]
    more: dict[str, Any] = {}
    if "projectId" in changed:
        more["previousProjectId"] = before["projectId"]
    if "parentId" in changed:
        more["previousParentId"] = before["parentId"]
    if "assigneeId" in changed:
        more["previousAssigneeId"] = before["_assigneeId"]
    found = []
    for event, names in (
        ("task.updated", [name for name in changed if name != "assigneeId"]),
        ("task.assigned", [name for name in changed if name == "assigneeId"]),
    ):
        if names:
            states = [name for name in names if name not in TEXTS]
            said = {
                "changed": names,
                "before": {name: was[name] for name in states},
                "after": {name: is_now[name] for name in states},
            }
            if "status" in names:
                said |= {"from": was["status"], "to": is_now["status"]}
            found.append((event, said | more))
    return found


async def tell_of_changes(
    conn: Any, actor_id: UUID, before: Any, changes: dict[str, Any], watcher_ids: Sequence[UUID]
) -> Any:
    """Emit the events of a change, also to these former watchers; return the task as the actor sees it now.

    An actor who loses sight of the task by the change is shown it for the last time.
    """
    task = await sql.tasks.get_changed_task(conn, task_id=before["id"], viewer_id=actor_id)
    more = {"watcherIds": list({*watcher_ids, *task["_watcherIds"]})} if watcher_ids else {}
    for event, said in describe_changes(before, task, changes):
        await tell(conn, event, actor_id, task, **said, **more)
    is_open = task["status"] not in CLOSED
    if is_open != (before["status"] not in CLOSED):
        await tell_of_blocking(conn, actor_id, task["id"], is_open=is_open)
    return task


async def tell_of_blocking(conn: Any, actor_id: UUID | None, blocker_id: UUID, *, is_open: bool) -> None:
    """Emit, for each task that only this one blocks, that it is blocked from now on, or not any more."""
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
    """Emit that a task is blocked, or not any more; `is_closed`: because its blocker was closed."""
    task = await sql.tasks.get_changed_task(conn, task_id=task_id, viewer_id=actor_id)
    if not await find_seen(conn, actor_id, [task_id]):
        actor_id = None
    event = "task.blocked" if is_blocked else "task.unblocked"
    await tell(conn, event, actor_id, task, changed=["blocked"], blockerId=blocker_id, isClosed=is_closed)


async def tell_of_spread(conn: Any, project_id: UUID, status: str, ranks: dict[UUID, int]) -> None:
    """Emit new ranks of a column's tasks; without an actor, who may not see all of them."""
    await emit(
        conn,
        "task.reordered",
        actor_id=None,
        entity=("project", project_id),
        payload={"status": status, "ranks": {str(one): rank for one, rank in ranks.items()}},
    )


async def tell_of_import(
    conn: Any,
    owner_id: UUID,
    import_id: UUID,
    ids: Sequence[UUID],
    given: Iterable[tuple[UUID, UUID | None]],
    before: Sequence[Any],
) -> None:
    """Index the tasks `ids`, which an import made or changed, and drop cached lists with them.

    Emits one event for all tasks, and one for each person who was `given` tasks: (task, assignee) of each
    task with a new assignee. `before`: the changed tasks as they were.
    """
    await sql.search.share_words(conn)
    words = {row["word"] for row in await sql.search.index_tasks(conn, ids=sorted(ids))}
    if words:
        await sql.search.note_words(conn, words=sorted(words))
    concerned: list[dict[str, Any]] = [
        {"creatorId": one["creator_id"], "assigneeId": one["assignee_id"], "projectId": one["project_id"]}
        for one in await sql.task_bulk.find_concerned(conn, ids=list(ids))
    ]
    concerned += [{"assigneeId": task["_assigneeId"]} for task in before]
    forget_kept(conn, concerned)
    projects = {one.get("projectId") for one in concerned} - {None}
    people = {one.get(name) for one in concerned for name in ("creatorId", "assigneeId")} - {None}
    await emit(
        conn,
        "task.imported",
        actor_id=owner_id,
        entity=("import", import_id),
        payload={
            "importId": import_id,
            "projectIds": sorted(map(str, projects)),
            "userIds": sorted(map(str, people)),
            "count": len(ids),
        },
        # This places the event in the activity of the project.
        root=next(iter(projects)) if len(projects) == 1 else None,
    )
    theirs: dict[UUID, list[UUID]] = {}
    for task_id, assignee_id in given:
        if assignee_id is not None and assignee_id != owner_id:
            theirs.setdefault(assignee_id, []).append(task_id)
    events = [
        (
            "task.imported_for",
            import_id,
            {"importId": import_id, "assigneeId": assignee_id, "taskId": of[0], "count": len(of)},
            None,
        )
        for assignee_id, of in theirs.items()
    ]
    if events:
        await emit_all(conn, "import", events, actor_id=owner_id)

"""What events say of tasks that another one blocks, of columns that were spread, and of imports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit, emit_all
from nexcorp.domain.tasks import find_seen, forget_kept, tell


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
    if not await find_seen(conn, actor_id, [task_id]):
        actor_id = None
    event = "task.blocked" if is_blocked else "task.unblocked"
    await tell(conn, event, actor_id, task, changed=["blocked"], blockerId=blocker_id, isClosed=is_closed)


async def tell_of_spread(conn: Any, project_id: UUID, status: str, ranks: dict[UUID, int]) -> None:
    """Emit that tasks of a column were spread, for want of room for another one; whoever moved that one may
    not see them."""
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
    """Make findable the tasks `ids`, which an import made or changed, and have lists of them forgotten.

    Emits one event for all, and one for everybody who was `given` some: (task, assignee) of each whose
    assignee is new. `before`: as those that changed were.
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
        # In its place among what happens in the project.
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

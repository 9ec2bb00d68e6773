"""What events say of tasks that another one blocks, and of columns that were spread."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.tasks import find_seen, tell


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

"""Access to the rooms of tasks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.security.tokens import Principal

MANAGE = "task:manage"


def covers_all(who: Principal) -> bool:
    """Return whether the role decides alone; an API key without task:manage never sees every task."""
    return who.scopes is None or MANAGE in who.scopes


async def may_join_task(conn: Any, who: Principal, task_id: UUID) -> bool:
    """Return whether the user may join `task:{id}`: everybody who may see the task."""
    found: bool = await sql.tasks.may_watch_task(
        conn, task_id=task_id, user_id=who.user_id, covers_all=covers_all(who)
    )
    return found

"""Access to the rooms of projects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.security.tokens import Principal

MANAGE_TASKS = "task:manage"


async def may_join_project(conn: Any, who: Principal, project_id: UUID) -> bool:
    """Return whether the user may join `project:{id}`: its members and holders of task:manage."""
    covers_all = who.scopes is None or MANAGE_TASKS in who.scopes
    found: bool = await sql.projects.may_watch_project(
        conn, project_id=project_id, user_id=who.user_id, covers_all=covers_all
    )
    return found

"""A person leaves: tasks they made stay, tasks they were assigned to are nobody's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.tasks import tell_of_loss


async def forget_worker(conn: Any, user_id: UUID) -> None:
    """Take a person from tasks and what they watch, and their views with them."""
    rows = await sql.tasks.unassign_person(conn, user_id=user_id)
    await tell_of_loss(conn, rows, "assigneeId", actor_id=user_id)
    await sql.task_watchers.forget_watching(conn, user_id=user_id)
    await sql.imports.forget_imports(conn, user_id=user_id)
    await sql.task_views.delete_views_of(conn, user_id=user_id)

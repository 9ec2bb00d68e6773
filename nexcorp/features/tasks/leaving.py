"""Unassign people who leave from their tasks; tasks that they created stay."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.tasks import tell_of_loss


async def forget_worker(conn: Any, user_id: UUID) -> None:
    """Unassign a person from tasks, and delete what they watch, their imports and their saved views."""
    rows = await sql.tasks.unassign_person(conn, user_id=user_id)
    await tell_of_loss(conn, rows, "assigneeId", actor_id=user_id)
    await sql.task_watchers.forget_watching(conn, user_id=user_id)
    await sql.imports.forget_imports(conn, user_id=user_id)
    await sql.task_views.delete_views_of(conn, user_id=user_id)

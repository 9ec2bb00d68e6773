"""Collaboration sessions of projects, for several features: people who join and leave."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit


async def tell_session(
    conn: Any, event: str, session_id: UUID, project_id: UUID, actor_id: UUID | None, **payload: Any
) -> None:
    """Emit `collab_session.<event>`; `payload` has references, as the `userId` of the person."""
    await emit(
        conn,
        f"collab_session.{event}",
        actor_id=actor_id,
        entity=("collab_session", session_id),
        payload={"projectId": project_id, **payload},
    )


async def leave_sessions(conn: Any, project_id: UUID, user_id: UUID, actor_id: UUID | None) -> None:
    """Remove a person who is no longer a member from the sessions of a project, with events."""
    for row in await sql.sessions.leave_project(conn, project_id=project_id, user_id=user_id):
        await tell_session(conn, "left", row["session_id"], project_id, actor_id, userId=user_id)

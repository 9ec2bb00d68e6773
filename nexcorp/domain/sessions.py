"""What several features do with sessions: people come and go, and others in the project are shown that."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit


async def tell_session(
    conn: Any, event: str, session_id: UUID, project_id: UUID, actor_id: UUID | None, **payload: Any
) -> None:
    """Emit `collab_session.<event>`; `payload` has references, as `userId` of who came or went."""
    await emit(
        conn,
        f"collab_session.{event}",
        actor_id=actor_id,
        entity=("collab_session", session_id),
        payload={"projectId": project_id, **payload},
    )


async def leave_sessions(conn: Any, project_id: UUID, user_id: UUID, actor_id: UUID | None) -> None:
    """Have a person leave the sessions of a project of which they are no member any more."""
    for row in await sql.sessions.leave_project(conn, project_id=project_id, user_id=user_id):
        await tell_session(conn, "left", row["session_id"], project_id, actor_id, userId=user_id)

"""Delete a person's notifications when they leave."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql


async def forget_inbox(conn: Any, user_id: UUID) -> None:
    """Delete a person's notifications, their unread count, and the frames of their own room."""
    await sql.notifications.delete_inbox(conn, user_id=user_id)
    await sql.realtime.delete_frames(conn, rooms=[f"user:{user_id}"])

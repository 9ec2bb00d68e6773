"""Access to the rooms of conversations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.security.tokens import Principal


async def may_join_conversation(conn: Any, who: Principal, conversation_id: UUID) -> bool:
    """Return whether a user may join `conversation:{id}`: only its members may, whatever their role."""
    found: bool = await sql.conversations.is_member(
        conn, conversation_id=conversation_id, user_id=who.user_id
    )
    return found

"""Who may watch a conversation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.security.tokens import Principal


async def may_join_conversation(conn: Any, who: Principal, conversation_id: UUID) -> bool:
    """`conversation:{id}`: its members, whatever the role of others."""
    found: bool = await sql.conversations.is_member(
        conn, conversation_id=conversation_id, user_id=who.user_id
    )
    return found

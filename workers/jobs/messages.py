"""Messages that are kept no longer, and conversations that nobody is in any more."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql

PART = 1000
WAIT_SECONDS = 10.0


async def retire_messages(ctx: Any) -> int:
    """Remove messages that are older than MESSAGE_RETENTION_DAYS, the oldest of each conversation first;
    returns how many. Each part is a transaction of its own, so that nobody who writes waits for long."""
    days: int = ctx["config"].message_retention_days
    removed = 0
    while days:
        async with ctx["database"].transaction(wait=WAIT_SECONDS) as conn:
            row = await sql.messages.claim_outdated(conn, days=days)
            if row is None:
                break
            removed += await drop_part(conn, row["id"], days)
    return removed


async def purge_conversations(ctx: Any) -> int:
    """Remove conversations without members, with their messages; returns how many."""
    removed = 0
    while True:
        async with ctx["database"].transaction(wait=WAIT_SECONDS) as conn:
            row = await sql.messages.claim_empty(conn)
            if row is None:
                return removed
            if not await drop_part(conn, row["id"], None):
                await sql.conversations.drop_conversation(conn, conversation_id=row["id"])
                removed += 1


async def drop_part(conn: Any, conversation_id: Any, days: int | None) -> int:
    """Remove a part of what a conversation, which is locked, keeps no longer; returns how many messages."""
    return await sql.messages.drop_oldest(conn, conversation_id=conversation_id, days=days, most=PART) or 0

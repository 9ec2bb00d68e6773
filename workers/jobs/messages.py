"""Removal of messages past their retention, and of conversations without members."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql

PART = 1000
WAIT_SECONDS = 10.0


async def retire_messages(ctx: Any) -> int:
    """Delete messages older than MESSAGE_RETENTION_DAYS, the oldest of each conversation first; return how
    many. Each part has its own transaction, so that writers do not wait for long."""
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
    """Delete conversations without members, and their messages; return how many."""
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
    """Delete up to PART messages of a locked conversation (`days` None: of any age); return how many."""
    return await sql.messages.drop_oldest(conn, conversation_id=conversation_id, days=days, most=PART) or 0

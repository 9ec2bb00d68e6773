"""Tells as one what was held back of too many notifications."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql

PART = 500


async def tell_folded(ctx: Any) -> None:
    """Emit the events of what is due, in parts; the outbox has them delivered."""
    told = PART
    while told == PART:
        async with ctx["database"].transaction(wait=10.0) as conn:
            told = await sql.telling.tell_folded(conn, most=PART)

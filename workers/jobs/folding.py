"""The job that tells folded notifications."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql

PART = 500


async def tell_folded(ctx: Any) -> None:
    """Emit the due folded events, in parts; the outbox delivers them."""
    told = PART
    while told == PART:
        async with ctx["database"].transaction(wait=10.0) as conn:
            told = await sql.telling.tell_folded(conn, most=PART)

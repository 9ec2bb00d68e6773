"""The wake of those who write answers of a language model."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql


async def write_answers(ctx: Any) -> None:
    """Look for questions, and for answers to end, now instead of at the next poll. Returns at once."""
    ctx["answering"].wake()


async def forget_usage(ctx: Any) -> None:
    """Take away what people used a year ago; safe to run at any time and twice."""
    async with ctx["database"].connection(wait=10.0) as conn:
        await sql.ai_answers.forget_usage(conn)

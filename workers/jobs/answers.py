"""Jobs for answers of a language model."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql


async def write_answers(ctx: Any) -> None:
    """Wake this worker's Answering, for new questions and cancelled answers. Returns at once."""
    ctx["answering"].wake()


async def forget_usage(ctx: Any) -> None:
    """Delete token usage of more than 400 days ago; safe to run at any time and twice."""
    async with ctx["database"].connection(wait=10.0) as conn:
        await sql.ai_answers.forget_usage(conn)

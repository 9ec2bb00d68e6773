"""The wake: drain the outbox now instead of at the next poll."""

from __future__ import annotations

from typing import Any


async def deliver(ctx: Any) -> int:
    """Deliver what is due; returns how many outbox rows that were. Idempotent: an empty outbox is no work."""
    delivered: int = await ctx["delivery"].drain()
    return delivered

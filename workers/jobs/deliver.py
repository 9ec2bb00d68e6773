"""The job that drains the outbox now instead of at the next poll."""

from __future__ import annotations

from typing import Any

import structlog

from nexcorp.errors import Unavailable
from nexcorp.logs import seldom

log = structlog.get_logger("nexcorp.delivery")

# Well within the job's time-out, which could cut it off between a commit and its push. The poll goes on.
DRAIN_SECONDS = 15.0


async def deliver(ctx: Any) -> int:
    """Drain the outbox; return the number of claimed rows. Idempotent: an empty outbox is no work."""
    try:
        delivered: int = await ctx["delivery"].drain(DRAIN_SECONDS)
    except Unavailable as error:
        # The poll goes on trying; a failed job would only be retried beside it.
        if seldom(f"delivery {error.code}"):
            log.warning("delivery waits", reason=error.code)
        return 0
    return delivered

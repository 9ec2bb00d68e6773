"""The job that sends due pushes now instead of at the next poll."""

from __future__ import annotations

from typing import Any

import structlog

from nexcorp.errors import Unavailable

log = structlog.get_logger("nexcorp.sending")

# Well within the job's time-out.
DRAIN_SECONDS = 15.0


async def send_pushes(ctx: Any) -> int:
    """Start sending the due pushes; return how many, or 0 if push is not configured."""
    pushes = ctx["pushes"]
    if pushes is None:
        return 0
    try:
        begun: int = await pushes.drain(DRAIN_SECONDS)
    except Unavailable as error:
        # The poll goes on trying.
        log.warning("pushes wait", reason=error.code)
        return 0
    return begun

"""The job that sends due webhooks now instead of at the next poll."""

from __future__ import annotations

from typing import Any


async def send_webhooks(ctx: Any) -> None:
    """Wake this worker's Webhooks."""
    ctx["webhooks"].wake()

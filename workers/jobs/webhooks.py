"""The wake: look at what webhooks are due now instead of at the next poll."""

from __future__ import annotations

from typing import Any


async def send_webhooks(ctx: Any) -> None:
    """Have this worker look for webhooks that are due."""
    ctx["webhooks"].wake()

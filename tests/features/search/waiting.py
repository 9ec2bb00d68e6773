"""Waiting for a worker to index texts."""

from __future__ import annotations

from typing import Any

from tests.api import outbox_empty
from tests.conftest import wait_until


async def delivered(service: Any) -> None:
    """Wait until the outbox is empty: from then on a search finds all texts."""
    await wait_until(lambda: outbox_empty(service))

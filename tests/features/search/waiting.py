"""Waiting for a worker to index texts."""

from __future__ import annotations

from typing import Any

from nexcorp.features.search import routes, spelling
from tests.api import fetch_value
from tests.clients import PATIENCE
from tests.conftest import wait_until

# Without time for it a suggestion is left out.
spelling.TRY_SECONDS, routes.CORRECTION_MILLISECONDS = PATIENCE, round(PATIENCE * 1000)


async def delivered(service: Any) -> None:
    """Wait until the outbox is empty: from then on a search finds all texts."""
    await wait_until(lambda: fetch_value(service, "SELECT NOT EXISTS (SELECT FROM outbox)"))

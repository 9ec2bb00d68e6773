"""What tests of search wait for."""

from __future__ import annotations

from typing import Any

from tests.api import fetch_value
from tests.conftest import wait_until


async def delivered(service: Any) -> None:
    """Until the worker has come to all that was written: from then on it is found."""
    await wait_until(lambda: fetch_value(service, "SELECT NOT EXISTS (SELECT FROM outbox)"))

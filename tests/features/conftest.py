"""Fixtures shared by several features."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.mailserver import MailServer


@pytest.fixture
def fetch(service: Any) -> Callable[..., Awaitable[Any]]:
    """`await fetch("SELECT ...", value)`: rows read straight from the database."""

    async def fetch(text: str, *values: Any) -> Any:
        async with service.db.connection() as conn:
            return await conn.fetch(text, *values)

    return fetch


@pytest.fixture
async def smtp() -> AsyncIterator[MailServer]:
    """A running mail server."""
    server = MailServer()
    await server.start()
    yield server
    await server.stop()

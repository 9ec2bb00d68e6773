"""Fixtures of the tests of collaborative editing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.collab.clients import Open, Typist, make_open
from tests.conftest import Client, Service, choose_fixture, start_web


@asynccontextmanager
async def keep_open(service: Service, client: Client) -> AsyncIterator[Open]:
    """Yield `open_file` of make_open(); its sockets end with the block."""
    opened: list[Typist] = []
    yield make_open(service.url, client.session, opened)
    for typist in opened:
        await typist.leave()


@pytest.fixture
async def own_open_file(service: Service, client: Client) -> AsyncIterator[Open]:
    """`open_file` for the test's own service."""
    async with keep_open(service, client) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def shared_open_file(service: Service, client: Client) -> AsyncIterator[Open]:
    """`open_file` for the module's service."""
    async with keep_open(service, client) as found:
        yield found


@pytest.fixture
def open_file(request: pytest.FixtureRequest) -> Open:
    """`typist = await open_file(user, file_id)`; see make_open()."""
    found: Open = choose_fixture(request, "open_file")
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other_node(shared_service: Service) -> AsyncIterator[str]:
    """The URL of a second web process beside the module's service."""
    runner, _, url = await start_web(shared_service.config, shared_service.product)
    yield url
    await runner.cleanup()

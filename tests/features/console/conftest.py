"""Pages in a real browser: one browser per process, one service per module, all in the session's loop.

A test that uses `own_service` gets a service of its own, which it may break.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from nexcorp.embedded import PostgresServer, ValkeyServer
from nexcorp.manifest import Product
from tests.clients import Client, Connect, Service, keep_sockets, open_client, run_service
from tests.conftest import make_config
from tests.features.console.browsers import MILLISECONDS, NO_BROWSER, OPTIONS, Visitor, find_browser
from tests.servers import Databases, name_database

FOLDER = Path(__file__).parent
expect.set_options(timeout=MILLISECONDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests in the session's event loop, where their browser and services live."""
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("asyncio") is not None:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The system's browser; without one, tests are skipped, or fail where CI is set."""
    program = find_browser()
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_BROWSER)
    async with async_playwright() as playwright:
        # Root cannot use Chromium's sandbox.
        found = await playwright.chromium.launch(
            executable_path=program, args=OPTIONS, chromium_sandbox=os.geteuid() != 0
        )
        yield found
        await found.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def module_service(
    postgres: PostgresServer, valkey: ValkeyServer, databases: Databases, tmp_path_factory: Any
) -> AsyncIterator[Service]:
    """A service for all tests of a module; a test may find data of the tests before it."""
    name = databases.take()
    config = make_config(
        name_database(postgres.url, name), f"{valkey.url}/1", tmp_path_factory.mktemp("home")
    )
    async with run_service(config) as found:
        yield found
    databases.drop(name)


@pytest_asyncio.fixture(loop_scope="session")
async def own_service(
    database_url: str, valkey: ValkeyServer, tmp_path: Path, product: Product
) -> AsyncIterator[Service]:
    """A service for one test alone."""
    async with run_service(make_config(database_url, valkey.url, tmp_path / "home"), product) as found:
        yield found


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Service:
    """The service that pages are opened from."""
    name = "own_service" if "own_service" in request.fixturenames else "module_service"
    found: Service = request.getfixturevalue(name)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def client(service: Service) -> AsyncIterator[Client]:
    """A client without a session."""
    async with open_client(service) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def connect(service: Service, client: Client) -> AsyncIterator[Connect]:
    """`live = await connect(user)`: a socket beside that of the browser."""
    async with keep_sockets(service, client) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, service: Service) -> AsyncIterator[Visitor]:
    """`page = await visit("/app/", ada)`; at the end, a problem in any of its pages fails the test."""
    visitor = Visitor(browser, service)
    yield visitor
    problems = await visitor.leave()
    assert not problems, "\n".join(problems)


@pytest_asyncio.fixture(loop_scope="session")
async def page(visit: Visitor, make_user: Any) -> Page:
    """The console as a new member sees it, signed in."""
    return await visit("/app/", await make_user())

"""A page recovers when the service's process or Redis were killed and came back."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from nexcorp.config import REPOSITORY, Config, child_environment
from nexcorp.embedded import ValkeyServer
from nexcorp.manifest import Product
from tests.api import publish, say
from tests.chaos.cluster import choose_ports
from tests.clients import Client, Service, User, run_service, wait_until
from tests.conftest import make_config
from tests.features.console.browsers import Visitor
from tests.features.console.test_shell import expect_live

pytestmark = pytest.mark.long(20)
# Starting a process and the page's next retry take long when tests run side by side.
SOON = 40_000


@pytest_asyncio.fixture(loop_scope="session")
async def own_service(
    database_url: str, own_valkey: ValkeyServer, tmp_path: Path, product: Product
) -> AsyncIterator[Service]:
    """A worker and a web process on a Redis that a test may kill."""
    async with run_service(make_config(database_url, own_valkey.url, tmp_path / "home"), product) as found:
        yield found


def start_process(config: Config, port: int) -> subprocess.Popen[bytes]:
    """Start a web process, as `make run` does; return it."""
    environment = child_environment(
        DATABASE_URL=config.database_url,
        REDIS_URL=config.redis_url,
        JWT_SECRET=config.jwt_secret,
        NEXCORP_ENV="development",
        NEXCORP_HOME=config.home,
        HOST="127.0.0.1",
        PORT=str(port),
        LOG_LEVEL="error",
    )
    return subprocess.Popen([sys.executable, "-m", "nexcorp", "web"], cwd=REPOSITORY, env=environment)


async def expect_comments(page: Page, *bodies: str) -> None:
    """Wait until the page shows these comments, each once and in this order."""
    await expect(page.locator(".comments .comment p")).to_have_text(list(bodies), timeout=SOON)


async def test_killed_processes(
    own_service: Service,
    own_valkey: ValkeyServer,
    visit: Visitor,
    client: Client,
    make_user: Callable[..., Awaitable[User]],
) -> None:
    """Comments written during an outage appear after it, and the person is still signed in."""
    (port,) = choose_ports(1)
    process = start_process(own_service.config, port)
    try:
        ada, grace = await make_user(), await make_user()
        post = await publish(ada, "Are you there?")
        visit.origin = f"http://localhost:{port}"
        visit.allow("net::ERR_", "WebSocket connection to .* failed")

        async def answers() -> bool:
            try:
                async with client.session.get(f"http://127.0.0.1:{port}/health") as answer:
                    return answer.ok
            except OSError:
                return False

        await wait_until(answers, SOON / 1000)
        page = await visit(f"/app/posts/{post['id']}", ada)
        await expect_live(page)
        await expect(page.get_by_label("New comment")).to_be_visible()

        process.send_signal(signal.SIGKILL)
        process.wait()
        await expect(page.locator(".live")).not_to_have_text("Live")
        await say(grace, post["id"], "While it was dead")
        process = start_process(own_service.config, port)
        await expect_comments(page, "While it was dead")
        await expect_live(page)

        own_valkey.kill()
        await say(grace, post["id"], "Without Redis")
        own_valkey.start()
        await expect_comments(page, "While it was dead", "Without Redis")
        await page.reload()
        await expect_comments(page, "While it was dead", "Without Redis")
    finally:
        process.kill()
        process.wait()

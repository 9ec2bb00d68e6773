"""A project's repository: linked, viewed, pushed to and unlinked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest_asyncio
from playwright.async_api import expect

from nexcorp.embedded import ValkeyServer
from nexcorp.manifest import Product
from tests.api import create
from tests.clients import Service, User, run_service
from tests.conftest import make_config
from tests.features.console.browsers import Visitor, check_axe
from tests.gitserver import GitServer, serve_git

MakeUser = Callable[..., Awaitable[User]]


@pytest_asyncio.fixture(loop_scope="session")
async def remote(tmp_path: Path) -> AsyncIterator[GitServer]:
    """A git server, run by git itself."""
    async with serve_git(tmp_path / "remote") as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def own_service(
    database_url: str, valkey: ValkeyServer, tmp_path: Path, product: Product, remote: GitServer
) -> AsyncIterator[Service]:
    """A service that may send requests to the git server's host."""
    config = make_config(database_url, valkey.url, tmp_path / "home")
    config = replace(config, outbound_allow=(remote.url.removeprefix("http://"),))
    async with run_service(config, product) as found:
        yield found


async def test_a_repository_is_linked_and_followed(
    visit: Visitor, make_user: MakeUser, own_service: Service, remote: GitServer
) -> None:
    """The secret is shown once; new commits appear by themselves, and do not move the list."""
    ada = await make_user()
    one = remote.make()
    one.commit()
    project = await create(ada, "/projects", name="Engine")
    visit.allow("status of 404 .*/repository")
    page = await visit(f"/app/projects/{project['id']}/repository", ada)
    await page.get_by_role("button", name="Link a repository").click()
    await page.get_by_label("Address").fill(f"{remote.url}/r/one.git")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("dialog", name="The secret of the hook")).to_be_visible()
    await check_axe(page)
    await page.get_by_role("button", name="Close").last.click()
    await expect(page.get_by_text("In sync")).to_be_visible()
    await expect(page.locator(".commits > li")).to_have_count(1)
    await expect(page.locator(".commits > li")).to_contain_text(one.list()[0][:8])
    await expect(page.get_by_role("heading", name="1 branch")).to_be_visible()
    await check_axe(page)
    one.commit(message="Another")
    await page.get_by_role("button", name="Sync now").click()
    await page.get_by_role("button", name="New commits: show them").click()
    await expect(page.locator(".commits > li").first).to_contain_text(one.list()[0][:8])
    await page.get_by_role("button", name="Unlink").click()
    await page.get_by_role("button", name="Really?").click()
    await expect(page.get_by_text("No repository is linked")).to_be_visible()

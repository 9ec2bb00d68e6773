"""Administration in the browser: figures, people and roles, the audit trail, dead letters, webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest_asyncio
from playwright.async_api import expect

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.embedded import PostgresServer, ValkeyServer
from tests.api import outbox_empty, publish
from tests.clients import Service, User, run_service, wait_until
from tests.conftest import make_config
from tests.features.console.browsers import Visitor, check_axe
from tests.features.console.test_shell import expect_live, fits
from tests.servers import Databases, name_database
from tests.webhookserver import run_receiver

MakeUser = Callable[..., Awaitable[User]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def module_service(
    postgres: PostgresServer, valkey: ValkeyServer, databases: Databases, tmp_path_factory: object
) -> AsyncIterator[Service]:
    """A service that may send requests to loopback."""
    name = databases.take()
    home: Path = tmp_path_factory.mktemp("home")  # type: ignore[attr-defined]
    config = make_config(name_database(postgres.url, name), f"{valkey.url}/1", home)
    async with run_service(replace(config, outbound_allow=("127.0.0.1",))) as found:
        yield found
    databases.drop(name)


async def test_the_overview(visit: Visitor, make_user: MakeUser) -> None:
    """Figures and plots, updated by frames; members are not offered the page."""
    admin = await make_user(role="admin")
    page = await visit("/app/admin", admin)
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda text: frames.append(str(text))))
    await page.reload()
    await expect_live(page)
    await expect(page.locator(".tile").filter(has_text="Workers").locator("b")).to_have_text("1")
    await expect(page.locator(".plots canvas")).to_have_count(8)
    await expect(page.locator("tbody tr").filter(has_text="Web")).to_have_count(1)

    async def told() -> bool:
        return any("overview:updated" in frame for frame in frames)

    await wait_until(told)
    await check_axe(page)
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await fits(page)
    await page.locator("nav.tabs").get_by_role("link", name="Feed").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Feed")
    member = await visit("/app/", await make_user())
    await expect(member.get_by_role("link", name="Overview")).to_have_count(0)
    asked: list[str] = []
    member.on("request", lambda request: asked.append(request.url))
    for path in ("admin", "admin/people", "admin/audit", "admin/dead-letters"):
        await member.goto(f"/app/{path}")
        await expect(member.get_by_role("heading", name="This is for administrators")).to_be_visible()
    assert not [url for url in asked if "/api/v1/admin/" in url or "/api/v1/audit" in url]
    await check_axe(member)


async def test_people_and_roles(visit: Visitor, make_user: MakeUser) -> None:
    """A role is changed; a person is deactivated and signed out at once; another is invited."""
    # The page's old token is refused before the page asks for a new one.
    visit.allow("status of 40[13] ", "HTTP Authentication failed")
    admin, grace = await make_user(role="admin"), await make_user()
    page, hers = await visit(f"/app/admin/people?q={grace.username}", admin), await visit("/app/", grace)
    await expect_live(hers)
    line = page.locator("tbody tr").filter(has_text=grace.email)
    await line.get_by_role("combobox").select_option("manager")
    await expect(hers.get_by_role("link", name="Leads")).not_to_have_count(0)
    await page.reload()
    await expect(line.get_by_role("combobox")).to_have_value("manager")
    await line.get_by_role("button", name="Deactivate").click()
    await expect(line).to_contain_text("Deactivated")
    await expect(hers.get_by_role("heading", name="Sign in to NexCorp Connect")).to_be_visible()
    await check_axe(page)

    await page.get_by_role("button", name="Roles", exact=True).click()
    await expect(page.get_by_role("checkbox", name="Member: post:create")).to_be_checked()
    await check_axe(page)
    await page.get_by_role("button", name="Invitations").click()
    await page.get_by_label("Invite by e-mail address").fill("joan@example.com")
    await page.get_by_role("button", name="Send an invitation").click()
    invited = page.locator(".list li").filter(has_text="joan@example.com")
    await expect(invited).to_contain_text("Waits")
    await invited.get_by_role("button", name="Revoke").click()
    await expect(invited).to_contain_text("Revoked")
    await check_axe(page)


async def test_the_audit_trail(visit: Visitor, make_user: MakeUser) -> None:
    """Filters stand in the address; an event shows all its stored details and links to similar events."""
    admin, grace = await make_user(role="admin"), await make_user()
    await publish(grace, "Lunch?")
    page = await visit("/app/admin/audit", admin)
    events = page.locator(".events li")
    await expect(events).not_to_have_count(0)
    await page.get_by_role("combobox", name="By whom").fill(grace.username)
    await page.get_by_role("option").filter(has_text=f"@{grace.username}").first.click()
    await page.get_by_label("Type of event").fill("post.created")
    await page.keyboard.press("Enter")
    await expect(events).to_have_count(1)
    await check_axe(page)
    await events.get_by_role("button").click()
    dialog = page.get_by_role("dialog", name="post.created")
    await expect(dialog).to_contain_text("Details")
    await check_axe(page)
    await dialog.get_by_role("button", name="All by this person").click()
    await expect(dialog).to_have_count(0)
    await page.get_by_role("button", name="Delete Type").click()
    await expect(events.filter(has_text="post.created")).to_have_count(1)
    await page.reload()
    await expect(page.get_by_role("button", name="Delete Person")).to_be_visible()


async def test_a_dead_letter(visit: Visitor, make_user: MakeUser, service: Service) -> None:
    """A dead letter is listed with its error, and a click delivers it after all."""
    admin, grace, joan = await make_user(role="admin"), await make_user(), await make_user()
    await wait_until(lambda: outbox_empty(service))
    async with service.db.transaction(wait=5) as conn:
        await emit(conn, "user.followed", actor_id=grace.id, entity=("user", joan.id), payload={})
        row = await conn.fetchrow(
            "SELECT o.lane, o.id FROM outbox AS o INNER JOIN events AS e ON e.id = o.event_id "
            "WHERE e.type = 'user.followed'"
        )
        await sql.events.bury_outbox(conn, lane=row["lane"], row_id=row["id"], last_error="broken")
    hers = await visit("/app/", joan)
    await expect_live(hers)
    page = await visit("/app/admin/dead-letters", admin)
    letter = page.locator(".list li")
    await expect(letter).to_contain_text("broken")
    await check_axe(page)
    await letter.get_by_role("button", name="Deliver after all").click()
    await expect(page.get_by_role("heading", name="No dead letters")).to_be_visible()
    await expect(hers.get_by_role("button", name="Notifications, 1 unread")).to_be_visible()
    await check_axe(page)


async def test_a_webhook(visit: Visitor, make_user: MakeUser) -> None:
    """A webhook is made and its secret shown once; a signed test is delivered, and appears in the log."""
    visit.allow("status of 403 .*/webhooks")
    ada = await make_user()
    async with run_receiver() as receiver:
        page = await visit("/app/webhooks", ada)
        await page.get_by_role("button", name="New webhook").click()
        dialog = page.get_by_role("dialog", name="New webhook")
        await dialog.get_by_label("Address").fill(f"{receiver.origin}/ok/mine")
        await dialog.get_by_label("Description").fill("To the shop")
        await check_axe(page)
        await dialog.get_by_role("button", name="New webhook").click()
        proof = page.get_by_role("dialog", name="Is it you?")
        await proof.get_by_label("Password").fill(ada.password)
        await proof.get_by_role("button", name="Go on").click()
        secret = await page.locator(".secret code").inner_text()
        await page.get_by_role("link", name="To the shop").click()
        await expect(page.locator(".secret")).to_have_count(0)
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.locator(".toast")).to_contain_text("A test is on its way")

        async def came() -> bool:
            return bool(receiver.at("/ok/mine"))

        await wait_until(came)
        receiver.at("/ok/mine")[0].verify(secret)
        delivery = page.locator(".events li")

        async def taken() -> bool:
            await page.get_by_role("button", name="Reload").click()
            return await delivery.filter(has_text="Taken").count() == 1

        await wait_until(taken)
        await check_axe(page)
        await delivery.get_by_role("button").click()
        log = page.get_by_role("dialog")
        await expect(log).to_contain_text("204")
        await check_axe(page)
        await log.get_by_role("button", name="Send again").click()
        await expect(page.locator(".toast").last).to_contain_text("It is sent again")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_text("Paused", exact=True)).to_be_visible()

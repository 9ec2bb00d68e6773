"""Hostile addresses and texts, a failing service, and impatient users."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from playwright.async_api import Request, Route, WebSocketRoute, expect

from tests.api import API, create, publish
from tests.clients import User
from tests.features.console.browsers import Visitor
from tests.features.console.test_shell import expect_live, fits

MakeUser = Callable[..., Awaitable[User]]


async def test_an_address_names_ids_only(visit: Visitor, make_user: MakeUser) -> None:
    """No part of an address reaches another path of the API; a bad id shows an error page."""
    page = await visit("/app/", await make_user())
    await expect_live(page)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    for path in (
        "notifications/..%5Cauth%5Csessions%3F",
        "posts/%252e%252e",
        "%E0%A4",
        "tasks/0123",
        "files/ffffffff",
        "people/a.b",
    ):
        await page.goto(f"{visit.origin}/app/{path}")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is here")
    assert not [url for url in asked if url.split("?")[0].endswith(("/api/v1/auth/sessions", "/api/v1/"))]
    assert not [url for url in asked if "/0123" in url.split("/app/")[0] or "/api/v1/files/" in url]


async def test_permissions_that_are_none_or_not_known(visit: Visitor, make_user: MakeUser) -> None:
    """Permissions that cannot be read are reported and read again; a role without any may not see leads."""
    visit.allow("status of 500 .*/auth/me")
    page = await visit(None, await make_user(role="manager"))
    await page.route("**/api/v1/auth/me", lambda route: route.fulfill(status=500))
    await page.goto("/app/leads")
    await expect(page.get_by_role("alert").get_by_role("button", name="Try again")).to_be_visible()
    await page.unroute("**/api/v1/auth/me")
    await expect(page.get_by_role("button", name="New lead")).to_be_visible()

    async def take_all(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "permissions": []})

    await page.route("**/api/v1/auth/me", take_all)
    await page.reload()
    await expect(page.get_by_text("An administrator can give you the permission.")).to_be_visible()


async def test_an_ended_connection_comes_back(visit: Visitor, make_user: MakeUser) -> None:
    """A socket that closes while the session goes on is reopened once; the next time the page reports it."""
    page = await visit(None, await make_user())
    sockets: list[WebSocketRoute] = []

    def note(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    await page.route_web_socket("**/ws*", note)
    await page.goto("/app/")
    await expect_live(page)
    await sockets[0].close(code=4503, reason="session revoked")
    await expect(page.locator(".live")).not_to_have_text("Live")
    await expect_live(page)
    assert len(sockets) == 2
    await sockets[1].close(code=4500, reason="bad token")
    await expect(page.locator(".toast")).to_contain_text("4500")
    await expect(page.locator(".live")).to_have_text("Offline")
    assert len(sockets) == 2


async def test_what_people_write_stays_where_it_is(visit: Visitor, make_user: MakeUser) -> None:
    """Markup, endless words and bidirectional marks appear as text, and do not affect the rest."""
    ada = await make_user()
    mark, word = "<img src=x onerror=\"document.title='taken'\">", "W" * 40
    change = {
        "firstName": f"Ada\u202e{word}",
        "lastName": mark[:50],
        "jobTitle": word,
        "bio": mark + word * 4,
    }
    answer = await ada.client.patch(f"{API}/users/me", json=change)
    assert answer.status == 200, await answer.text()
    body = f"{mark} [a](javascript:alert) @{ada.username}.x mail@{ada.username} {word * 4}"
    post = await create(ada, "/posts", type="project", title=mark + word * 2, body=body)
    task = await create(ada, "/tasks", title=mark + word * 3, description=body)
    page = await visit("/app/", ada, viewport={"width": 390, "height": 844})
    for path in (f"posts/{post['id']}", f"people/{ada.username}", f"tasks/{task['id']}", "tasks", ""):
        await page.goto(f"/app/{path}")
        await expect(page.get_by_role("main")).to_contain_text(mark[:30])
        assert await fits(page), path
    await expect(page.locator("main img[src=x]")).to_have_count(0)
    await expect(page.locator(".post .body a")).to_have_text([f"@{ada.username}"])
    assert "\u202e" not in await page.locator(".post header").first.inner_text()
    assert "taken" not in await page.title()


async def test_a_busy_service_signs_nobody_out(visit: Visitor, make_user: MakeUser) -> None:
    """A page that cannot learn of its session asks again; a failed sign-out is reported."""
    page = await visit("/app/", await make_user())
    await expect_live(page)

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, json={"code": "unavailable", "message": "Busy."})

    await page.route("**/auth/refresh", refuse)
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("Busy.")
    await page.unroute("**/auth/refresh")
    await expect_live(page)
    await page.route("**/auth/logout", refuse)
    await page.get_by_role("button", name="Account").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator(".toast")).to_contain_text("still signed in")
    await expect_live(page)


async def test_two_enters_send_once(visit: Visitor, make_user: MakeUser) -> None:
    """While a comment is being sent another Enter sends nothing, and text typed meanwhile stays."""
    ada = await make_user()
    post = await publish(ada, "Say something")
    page = await visit(f"/app/posts/{post['id']}", ada)
    await expect_live(page)

    async def delay(route: Route) -> None:
        if route.request.method == "POST":
            await asyncio.sleep(1)
        await route.continue_()

    await page.route("**/api/v1/comments", delay)
    line = page.locator(".comments input")
    await line.fill("Once")
    await line.press("Enter")
    await line.press("Enter")
    await line.press_sequentially(" and on")
    await expect(page.locator(".comments .comment p")).to_have_text(["Once"])
    await expect(line).to_have_value("Once and on")

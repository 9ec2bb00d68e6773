"""The watcher of the pages reports problems in them; a person's browser is signed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, Route, expect

from tests.clients import User
from tests.features.console.browsers import Visitor, check_axe

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self' http://elsewhere.test; img-src data:; "
    "require-trusted-types-for 'script'; trusted-types app"
)
HTML = """<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">
<main><h1>A page</h1></main>
<script type="module" src="/probe.js"></script>"""


async def put_script(page: Page, script: str, html: str = HTML) -> None:
    """Open a page that runs a script, under a policy as strict as the console's."""

    async def answer(route: Route) -> None:
        if route.request.url.endswith(".js"):
            await route.fulfill(body=script, content_type="text/javascript")
        else:
            await route.fulfill(
                body=html, content_type="text/html", headers={"Content-Security-Policy": POLICY}
            )

    await page.route("**/probe*", answer)
    await page.goto("/probe")


async def test_what_must_not_happen_is_seen(visit: Visitor) -> None:
    """An uncaught error, an error on the console, a policy violation, a request to another host."""
    page = await visit(None)
    await put_script(
        page,
        """console.error("something broke");
        document.body.setAttribute("style", "color: red");
        const script = document.createElement("script");
        try { script.src = "/health"; } catch { document.title = "refused"; }
        const away = () => { document.title += ", away"; throw new Error("uncaught one"); };
        fetch("http://elsewhere.test/x").catch(away);
        """,
    )
    await expect(page).to_have_title("refused, away")
    await page.wait_for_timeout(50)
    for part in (
        "something broke",
        "CSP style-src",
        "CSP require-trusted-types-for",
        "uncaught one",
        "elsewhere.test",
    ):
        assert any(part in text for text in visit.problems), (part, visit.problems)
    visit.problems.clear()


async def test_a_person_is_signed_in(visit: Visitor, make_user: Callable[..., Awaitable[User]]) -> None:
    """The page's first refresh gets an access token by the cookie; without a cookie it is a 401."""
    script = """const headers = { "X-Requested-With": "console", "Content-Type": "application/json" };
    const answer = await fetch("/api/v1/auth/refresh", { method: "POST", headers, body: "{}" });
    const body = await answer.json();
    document.querySelector("h1").textContent = body.user?.username ?? body.code;"""
    ada = await make_user()
    page = await visit(None, ada)
    await put_script(page, script)
    await expect(page.locator("h1")).to_have_text(ada.username)
    stranger = await visit(None)
    await put_script(stranger, script)
    await expect(stranger.locator("h1")).to_have_text("unauthorized")


async def test_axe_finds_what_cannot_be_read(visit: Visitor) -> None:
    """A page passes, and fails once it has a button without a name."""
    page = await visit(None)
    await put_script(page, "")
    await check_axe(page)
    await put_script(page, "", HTML.replace("</main>", "<button></button></main>"))
    try:
        await check_axe(page)
    except AssertionError as error:
        assert "button-name" in str(error)
    else:
        raise AssertionError("axe found nothing")

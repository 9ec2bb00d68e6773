"""The system's browser for tests of pages, and a watcher that reports problems in them."""

from __future__ import annotations

import os
import re
import shutil
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
    WebSocket,
    expect,
)

from nexcorp.features.auth.sessions.refresh import make_token
from nexcorp.features.auth.sessions.service import open_session
from nexcorp.security.app_keys import SECRETS
from nexcorp.security.cookies import NAME
from tests.clients import Service, User
from tests.conftest import PASSWORD, hash_once

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
)
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
NO_BROWSER = (
    "no browser: install Chromium, Chrome or Edge (Debian and Ubuntu: apt install chromium), "
    "or name the program of one in BROWSER_PATH"
)
# The browser speaks with the service alone, and paints the same on every machine.
OPTIONS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost",
    "--no-first-run",
)
MILLISECONDS = 30_000
# A browser logs this when a person who is not signed in first refreshes.
NOT_SIGNED_IN = r"status of 401 .*/api/v1/auth/refresh"
# A busy service is no problem: the page asks again, and the test checks the result.
BUSY = r"status of 503 "
REPORT = """addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP", event.violatedDirective, event.blockedURI, event.sample));"""
# Shows a page as hidden or not: a browser without windows hides none.
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
}"""


def find_browser() -> str | None:
    """The program in BROWSER_PATH, else an installed browser, else None."""
    named = os.environ.get("BROWSER_PATH")
    if named:
        return named
    return next(filter(None, map(shutil.which, (*PROGRAMS, *APPLICATIONS))), None)


class Visitor:
    """Opens pages, each in a new browser, and collects problems: errors, violations, foreign requests.

    `page = await visit("/app/", ada)`: a page where Ada is signed in; without a user nobody is signed in,
    and without a path the page is empty.
    """

    def __init__(self, browser: Browser, service: Service) -> None:
        self.browser, self.service = browser, service
        self.origin = service.url.replace("127.0.0.1", "localhost")
        self.problems: list[str] = []
        self._contexts: list[BrowserContext] = []
        self._allowed = [NOT_SIGNED_IN, BUSY]

    async def __call__(self, path: str | None, user: User | None = None, **options: Any) -> Page:
        """Open `path` in a new browser; `options` are those of Playwright's new_context()."""
        context = await self.browser.new_context(
            base_url=self.origin, **{"locale": "en-GB", "reduced_motion": "reduce", **options}
        )
        self._contexts.append(context)
        context.set_default_timeout(MILLISECONDS)
        context.on("console", self._hear)
        context.on("weberror", self._see_error)
        context.on("request", self._see_request)
        context.on("page", lambda page: page.on("websocket", self._see_socket))
        await context.add_init_script(REPORT)
        if user is not None:
            await self.sign_in(context, user)
        page = await context.new_page()
        if path is not None:
            await page.goto(path)
        return page

    async def sign_in(self, context: BrowserContext, user: User) -> None:
        """Give a browser the cookie that POST /auth/login sets, in a session of its own."""
        password_hash = await hash_once(PASSWORD)
        async with self.service.db.transaction(wait=5) as conn:
            signed_in = await open_session(
                conn,
                account_id=user.id,
                verified_hash=password_hash,
                new_hash=None,
                platform="web",
                device=None,
            )
        assert signed_in is not None
        session = signed_in.session
        token = make_token(self.service.app[SECRETS], session["id"], session["refresh_counter"])
        await context.add_cookies(
            [
                {
                    "name": NAME,
                    "value": token,
                    "url": self.origin.replace("http:", "https:"),
                    "secure": True,
                    "httpOnly": True,
                    "sameSite": "Strict",
                }
            ]
        )

    def allow(self, *patterns: str) -> None:
        """Do not count problems that match a regular expression: `visit.allow("status of 422 .*/posts")`."""
        self._allowed += patterns

    async def leave(self) -> list[str]:
        """Close all browsers; return the problems that no allowed pattern matches."""
        for context in self._contexts:
            await context.close()
        return [text for text in self.problems if not any(re.search(one, text) for one in self._allowed)]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"{message.text} at {message.location['url']}")

    def _see_error(self, error: WebError) -> None:
        self.problems.append(f"uncaught: {error.error.stack or error.error.message}")

    def _see_request(self, request: Request) -> None:
        self._check_origin(request.url)

    def _see_socket(self, socket: WebSocket) -> None:
        self._check_origin(socket.url.replace("ws", "http", 1))

    def _check_origin(self, url: str) -> None:
        if not url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.problems.append(f"left the origin: {url}")


async def check_axe(page: Page) -> None:
    """Assert that axe finds no violation on the page, in light or dark, once the page has its heading."""
    await expect(page.locator("h1")).not_to_have_count(0)
    # In dark mode only colours differ.
    for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        await page.emulate_media(color_scheme=scheme)
        results = await Axe().run(page, options={"resultTypes": ["violations"], **rules})
        found = [
            f"{violation['id']} ({violation['help']}): {node['html']} {node['failureSummary']}"
            for violation in results.response["violations"]
            for node in violation["nodes"]
        ]
        assert not found, f"{scheme}: " + "\n".join(found)

"""A system browser for the tests of pages, and one who watches what they do in it."""

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
# It is to speak with the service alone, and to paint the same everywhere.
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
# What a browser notes of the first refresh of a person who is not signed in.
NOT_SIGNED_IN = r"status of 401 .*/api/v1/auth/refresh"
# And of a service that is busy for a moment: the page asks again, and what it shows then is looked at.
BUSY = r"status of 503 "
REPORT = """addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP", event.violatedDirective, event.blockedURI, event.sample));"""


def find_browser() -> str | None:
    """The program of BROWSER_PATH, else of a browser that the system has; None without one."""
    named = os.environ.get("BROWSER_PATH")
    if named:
        return named
    return next(filter(None, map(shutil.which, (*PROGRAMS, *APPLICATIONS))), None)


class Visitor:
    """Opens pages as people do, each person in a browser of their own, and collects what must not happen.

    `page = await visit("/app/", ada)`: a page that Ada is signed in at; without a person nobody is, without
    a path it is still empty.
    """

    def __init__(self, browser: Browser, service: Service) -> None:
        self.browser, self.service = browser, service
        self.origin = service.url.replace("127.0.0.1", "localhost")
        self.problems: list[str] = []
        self._contexts: list[BrowserContext] = []
        self._allowed = [NOT_SIGNED_IN, BUSY]

    async def __call__(self, path: str | None, user: User | None = None, **options: Any) -> Page:
        """A page at `path` in a new browser; `options` are those of Playwright's new_context()."""
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
        """Give a browser the cookie that POST /auth/login gives, in a session of its own."""
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
        """Expect what would be a problem, as regular expressions: `visit.allow("status of 422 .*/posts")`."""
        self._allowed += patterns

    async def leave(self) -> list[str]:
        """Close all browsers; returns the problems that nobody expected."""
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
    """Assert that axe finds nothing to say about the page, in light or dark, once it has its heading."""
    await expect(page.locator("h1")).not_to_have_count(0)
    # Only colours differ in the dark.
    for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        await page.emulate_media(color_scheme=scheme)
        results = await Axe().run(page, options={"resultTypes": ["violations"], **rules})
        found = [
            f"{violation['id']} ({violation['help']}): {node['html']} {node['failureSummary']}"
            for violation in results.response["violations"]
            for node in violation["nodes"]
        ]
        assert not found, f"{scheme}: " + "\n".join(found)

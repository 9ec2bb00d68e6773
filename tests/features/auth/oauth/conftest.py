"""A provider on loopback, and browsers that keep cookies by hand: Secure ones of a plain http server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from nexcorp.config import Config
from tests.contract import check_response
from tests.features.auth.oauth.provider import CLIENT_ID, CLIENT_SECRET, Fake

API = "/api/v1/auth/oauth"
KINDS = ("github", "google", "gitlab", "oidc")
FLOW, REFRESH = "__Host-oauth", "__Host-refresh"


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    """A running provider."""
    fake = Fake()
    runner = web.AppRunner(fake.make_app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


def configure(config: Config, fake: Fake, kinds: tuple[str, ...] = KINDS) -> Config:
    """Settings with these kinds of provider, all served by `fake`."""
    values = {}
    for kind in kinds:
        values |= {
            f"oauth_{kind}_id": CLIENT_ID,
            f"oauth_{kind}_secret": CLIENT_SECRET,
            f"oauth_{kind}_issuer": fake.url,
        }
    return replace(config, **values)


@pytest.fixture
def config(config: Config, fake: Fake) -> Config:
    """The service's settings, with all four kinds of provider."""
    return configure(config, fake)


class Browser:
    """A browser that follows links and keeps cookies."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url
        self.cookies: dict[str, str] = {}

    async def get(self, address: str, accept: str = "text/html", **headers: str) -> Any:
        """GET a path or an address, without following redirects; return the answer."""
        address = address if address.startswith("http") else self.url + address
        sent = {"Accept": accept, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.session.get(address, headers=sent, allow_redirects=False)
        await answer.read()
        if address.startswith(self.url):
            self.keep(answer)
            if answer.content_type == "application/json":
                await check_response("GET", urlsplit(address).path, answer)
        return answer

    def keep(self, answer: Any) -> None:
        """Keep the cookies that an answer sets, and drop those it deletes."""
        for line in answer.headers.getall("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                # Without these attributes a browser refuses a __Host- cookie, and so does not delete it.
                assert morsel["secure"] and morsel["httponly"] and morsel["path"] == "/"
                assert not morsel["domain"]
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    async def approve(self, kind: str, query: str = "", **headers: str) -> str:
        """Begin a flow and approve it at the provider; return the callback's address."""
        begun = await self.get(f"{API}/{kind}{query}", **headers)
        assert begun.status in (200, 302), await begun.text()
        location = begun.headers.get("Location") or (await begun.json())["authorizeUrl"]
        answer = await self.get(location)
        assert answer.status == 302, await answer.text()
        return str(answer.headers["Location"])

    async def sign_in(self, kind: str = "github", query: str = "", accept: str = "text/html") -> Any:
        """Sign in by the whole flow; return the callback's answer."""
        return await self.get(await self.approve(kind, query), accept)

    async def prove(self, kind: str, headers: dict[str, str]) -> Any:
        """Prove one's identity at a provider, for the session of `headers`; return the callback's answer."""
        return await self.get(await self.approve(kind, "?purpose=sudo", **headers), "application/json")

    async def me(self) -> dict[str, Any]:
        """Refresh with the cookie; return the account, with `headers` to act for it."""
        headers = {"Cookie": f"{REFRESH}={self.cookies[REFRESH]}", "X-Requested-With": "fetch"}
        answer = await self.session.post(f"{self.url}/api/v1/auth/refresh", headers=headers)
        assert answer.status == 200, await answer.text()
        self.keep(answer)
        data = await answer.json()
        return {**data["user"], "headers": {"Authorization": f"Bearer {data['accessToken']}"}}


@pytest.fixture
async def browse(service: Any) -> AsyncIterator[Callable[..., Browser]]:
    """`browse()`: a new browser without cookies; `url` may be the address of another node."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield lambda url=None: Browser(session, url or service.url)

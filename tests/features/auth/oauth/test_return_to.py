"""Addresses that a sign-in may return to."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.features.auth.oauth.conftest import API

SETTINGS = {
    "env": "production",
    "public_url": "https://nex.example",
    "allowed_hosts": ("127.0.0.1",),
    "cors_origins": ("https://app.example", "http://localhost:5173"),
    "oauth_return_to": ("https://partner.example/welcome", "https://whole.example"),
}
GOOD = [
    "/",
    "/projects/1?tab=a&b=//x#part",
    "/a..b/.well-known/x",
    "https://nex.example",
    "https://nex.example/projects",
    "HTTPS://NEX.example:443/x",
    "https://app.example/callback?x=1",
    "http://localhost:5173/",
    "https://partner.example/welcome",
    "https://partner.example/welcome/here?x",
    "https://whole.example/anywhere",
]
BAD = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http://nex.example/",
    "https://nex.example.evil.example/",
    "https://nex.example@evil.example/",
    "https://user@nex.example/",
    "https://nex.example:444/",
    "https://nex.example:99999/",
    "https://nex.example\\@evil.example/",
    "https://evil.example#@nex.example",
    "https://evil.example?https://nex.example",
    "https://[::1/",
    "javascript:alert(1)",
    "JavaScript://nex.example/%0aalert(1)",
    "data:text/html,x",
    "ftp://nex.example/",
    "nex.example",
    "projects",
    "./x",
    "/../admin",
    "/a/../../b",
    "/a/%2e%2E/b",
    "/a/.%2e",
    "/%2F/evil.example",
    "/%5cevil.example",
    "https://partner.example/",
    "https://partner.example/welcomed",
    "https://partner.example/welcome/../evil",
    "https://partner.example/welcome/%2e%2e/evil",
    "/a\r\nSet-Cookie: x=1",
    "/\t/evil.example",
    "/\x00",
    " /x",
    "/ünï",
    "https://nex。example/",
]


@pytest.fixture
async def browser(browse: Any, web_only: Any) -> Any:
    runner, _, url = await web_only(**SETTINGS)
    yield browse(url)
    await runner.cleanup()


async def test_the_allow_list(browser: Any) -> None:
    for address in GOOD:
        for path in (f"{API}/github", "/sign-in"):
            answer = await browser.get(f"{path}?return_to={quote(address, safe='')}")
            assert answer.status in (200, 302), (path, address)
    for address in BAD:
        for path in (f"{API}/github", "/sign-in"):
            answer = await browser.get(f"{path}?return_to={quote(address, safe='')}", "application/json")
            # The query's schema already refuses a NUL.
            assert answer.status in ((400, 422) if "\x00" in address else (400,)), (path, address)
            assert "Location" not in answer.headers and "Set-Cookie" not in answer.headers
    long = await browser.get(f"{API}/github?return_to=/{'x' * 3000}", "application/json")
    assert long.status == 422


async def test_the_address_arrives_as_it_was_given(browse: Any, service: Any) -> None:
    browser = browse()
    address = f"{service.url}/projects?x=%20y#z"
    answer = await browser.sign_in("github", f"?return_to={quote(address, safe='')}")
    assert answer.headers["Location"] == address
    assert (await browse().sign_in("github")).headers["Location"] == "/"

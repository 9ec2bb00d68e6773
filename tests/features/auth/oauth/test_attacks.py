"""Attacks that must fail: forged, replayed and foreign callbacks, and providers that misbehave."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from nexcorp.features.auth.oauth import routes as oauth_routes
from nexcorp.integrations import oauth
from tests.features.auth.oauth.conftest import API, FLOW, REFRESH, Browser


async def refused(browser: Browser, callback: str, status: int, code: str) -> None:
    """Assert that a callback is refused with this code, and leaves no session and no flow's cookie."""
    answer = await browser.get(callback, "application/json")
    body = await answer.json()
    assert (answer.status, body["code"]) == (status, code), body
    assert REFRESH not in browser.cookies
    assert FLOW not in browser.cookies


def change(callback: str, **values: str | None) -> str:
    """A callback's address with other parameters; None leaves one out."""
    parts = urlsplit(callback)
    query = {key: value for key, [value] in parse_qs(parts.query).items()} | values
    return parts._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()


async def test_a_wrong_state_is_refused_and_uses_the_flow_up(browse: Any, fake: Any, fetch: Any) -> None:
    for state in ("wrong", "", None, "ünï", "x" * 4000):
        browser = browse()
        callback = await browser.approve("github")
        flow = browser.cookies[FLOW]
        await refused(browser, change(callback, state=state), 400, "state_mismatch")
        browser.cookies[FLOW] = flow
        await refused(browser, callback, 400, "flow_missing")
    assert fake.exchanged == 0
    assert await fetch("SELECT 1 FROM users") == []


async def test_a_replayed_callback_is_refused(browse: Any, fake: Any) -> None:
    browser = browse()
    callback = await browser.approve("github")
    flow = browser.cookies[FLOW]
    assert (await browser.get(callback)).status == 302
    thief = browse()
    thief.cookies[FLOW] = flow
    await refused(thief, callback, 400, "flow_missing")
    assert fake.exchanged == 1


async def test_of_two_callbacks_at_once_one_counts(browse: Any, fake: Any, fetch: Any) -> None:
    browser = browse()
    callback = await browser.approve("github")
    browsers = [browse() for _ in range(8)]
    for one in browsers:
        one.cookies = dict(browser.cookies)
    answers = await asyncio.gather(*(one.get(callback) for one in browsers))
    assert sorted(answer.status for answer in answers) == [302] + 7 * [400]
    assert fake.exchanged == 1
    assert len(await fetch("SELECT 1 FROM sessions")) == 1


async def test_a_replayed_code_is_refused(browse: Any, fake: Any) -> None:
    first = browse()
    callback = await first.approve("github")
    assert (await first.get(callback)).status == 302
    code = parse_qs(urlsplit(callback).query)["code"][0]
    browser = browse()
    again = await browser.approve("github")
    await refused(browser, change(again, code=code), 400, "code_refused")
    assert fake.refused == ["code"]


async def test_another_browsers_callback_is_refused(browse: Any, fake: Any) -> None:
    """Login CSRF: an attacker's callback in a victim's browser, with or without a flow of the victim's."""
    callback = await browse().approve("github")
    victim = browse()
    await refused(victim, callback, 400, "flow_missing")
    await victim.approve("github")
    await refused(victim, callback, 400, "state_mismatch")
    # With the state of the victim's flow, the attacker's code still needs another verifier.
    own = await victim.approve("github")
    code = parse_qs(urlsplit(callback).query)["code"][0]
    await refused(victim, change(own, code=code), 400, "code_refused")
    assert fake.refused == ["code_verifier"]


async def test_a_callback_of_another_provider_is_refused(browse: Any, fake: Any) -> None:
    browser = browse()
    callback = await browser.approve("github")
    await refused(browser, callback.replace("/github/", "/gitlab/"), 400, "state_mismatch")
    assert fake.exchanged == 0


async def test_the_verifier_is_what_the_challenge_was_made_of(
    browse: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browse()
    callback = await browser.approve("gitlab")
    take = oauth_routes.take_flow

    async def spoil(request: Any) -> dict[str, Any]:
        return {**await take(request), "verifier": "x" * 64}

    monkeypatch.setattr(oauth_routes, "take_flow", spoil)
    await refused(browser, callback, 400, "code_refused")
    assert fake.refused == ["code_verifier"]


async def test_a_provider_that_misbehaves_is_502(browse: Any, fake: Any, fetch: Any) -> None:
    # From the token on, GitLab is handled like the others.
    for kind, where, trouble in itertools.product(
        ("github", "oidc"),
        ("token", "profile"),
        ("500", "html", "garbage", "deep", "list", "nothing", "redirect", "huge"),
    ):
        fake.trouble = {where: trouble}
        browser = browse()
        fake.padding = 0
        await refused(browser, await browser.approve(kind), 502, "provider_failed")
        assert fake.padding < 20_000_000, "read to its end"
    assert fake.followed == 0
    assert await fetch("SELECT 1 FROM users") == []


async def test_a_slow_provider_is_given_up_on(
    browse: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "EXCHANGE_SECONDS", 0.4)
    for where, trouble in itertools.product(("token", "profile", "discovery"), ("slow", "drip")):
        fake.trouble = {where: trouble}
        browser = browse()
        callback = None if where == "discovery" else await browser.approve("gitlab")
        started = time.monotonic()
        if callback is None:
            answer = await browser.get(f"{API}/oidc", "application/json")
            assert (answer.status, (await answer.json())["code"]) == (502, "provider_failed")
        else:
            await refused(browser, callback, 502, "provider_failed")
        assert 0.3 < time.monotonic() - started < 4


async def test_answers_without_a_token_are_refused(browse: Any, fake: Any) -> None:
    for trouble, status, code in (
        ("number", 502, "provider_failed"),
        ("error200", 400, "code_refused"),
    ):
        fake.trouble = {"token": trouble}
        browser = browse()
        await refused(browser, await browser.approve("github"), status, code)


async def test_what_the_provider_says_no_to(browse: Any, fake: Any) -> None:
    browser = browse()
    callback = change(await browser.approve("github"), code=None, error="access_denied")
    page = await browser.get(callback)
    assert page.status == 403 and "did not allow" in await page.text()
    for error, status, code in (
        ("access_denied", 403, "access_denied"),
        ("server_error", 502, "provider_failed"),
        ("<script>", 502, "provider_failed"),
        (None, 400, "code_missing"),
    ):
        callback = change(await browser.approve("github"), code=None, error=error)
        await refused(browser, callback, status, code)
    # Without the right state even the provider's refusal is not believed.
    callback = change(await browser.approve("github"), code=None, state="x", error="access_denied")
    await refused(browser, callback, 400, "state_mismatch")


async def test_a_client_that_the_provider_does_not_know_is_502(browse: Any, web_only: Any, fake: Any) -> None:
    runner, _, url = await web_only(oauth_github_secret="another")
    try:
        browser = browse(url)
        await refused(browser, await browser.approve("github"), 502, "provider_failed")
    finally:
        await runner.cleanup()


async def test_discovery_says_where_the_secret_goes(browse: Any, fake: Any) -> None:
    for kind, methods, place in (("google", ["client_secret_post"], "body"), ("oidc", None, "header")):
        fake.auth_methods = methods
        for _ in range(2):
            assert (await browse().sign_in(kind)).status == (302 if kind == "google" else 409)
        assert fake.secret_in == [place, place]
        fake.secret_in.clear()
        fake.person.verified = False
    assert fake.discovered == 2, "discovery is remembered"


async def test_discovery_of_another_issuer_is_refused(browse: Any, fake: Any) -> None:
    fake.issuer = "https://evil.example"
    answer = await browse().get(f"{API}/oidc", "application/json")
    assert (answer.status, (await answer.json())["code"]) == (502, "provider_failed")
    fake.issuer = None
    assert (await browse().get(f"{API}/oidc")).status == 302, "a failure is not remembered"


async def test_errors_are_pages_for_browsers(browse: Any, fake: Any) -> None:
    fake.trouble = {"token": "500"}
    browser = browse()
    callback = await browser.approve("github", "?return_to=/a%22b")
    page = await browser.get(callback, **{"X-Request-Id": "request-4711"})
    text = await page.text()
    assert page.status == 502 and page.content_type == "text/html"
    assert "<code>request-4711</code>" in text
    assert 'href="/sign-in?return_to=%2Fa%22b"' in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    code = parse_qs(urlsplit(callback).query)["code"][0]
    assert code not in text and "<script" not in text

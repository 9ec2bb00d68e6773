"""Signing in with a provider, from the first click to the session."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import redis
import structlog

from nexcorp.config import Config
from nexcorp.features.auth.oauth.tokens import open_tokens
from nexcorp.security.app_keys import SECRETS
from nexcorp.security.secrets import Secrets
from tests.conftest import SECRET
from tests.features.auth.oauth.conftest import API, FLOW, KINDS, REFRESH

ME = "/api/v1/auth/me"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_new_person_gets_an_account_and_a_session(
    browse: Any, client: Any, fake: Any, fetch: Any, kind: str
) -> None:
    browser = browse()
    answer = await browser.sign_in(kind, "?return_to=/projects%3Ftab%3Dmine")
    assert answer.status == 302, await answer.text()
    assert answer.headers["Location"] == "/projects?tab=mine"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert fake.refused == []
    assert browser.cookies.keys() == {REFRESH}
    me = await browser.me()
    seen = await (await client.get(ME, headers=me["headers"])).json()
    assert (seen["email"], seen["username"], seen["role"]) == ("octavia@example.org", "octo_cat", "member")
    assert (seen["firstName"], seen["lastName"]) == ("Octavia", "Cat")
    [user] = await fetch("SELECT password_hash, email_verified_at FROM users")
    assert user["password_hash"] is None and user["email_verified_at"] is not None
    [row] = await fetch("SELECT * FROM identities")
    assert (row["provider"], row["subject"], row["username"]) == (kind, "4711", "octo-cat")
    assert row["user_id"] == UUID(seen["id"])
    assert row["avatar_url"] == "https://example.org/cat.png" and row["email_verified"]
    events = await fetch("SELECT type, payload, metadata FROM events ORDER BY id")
    kinds = [event["type"] for event in events]
    assert sorted(kinds) == ["identity.linked", "user.logged_in", "user.registered"]
    assert {event["payload"].get("method", kind) for event in events} == {kind}
    assert all(event["metadata"]["ip"] for event in events)


async def test_head_uses_no_sign_in_up(browse: Any, client: Any) -> None:
    browser = browse()
    callback = await browser.approve("github")
    path = callback[callback.index(API) :]
    for target in (path, f"{API}/github"):
        head = await client.call("HEAD", target)
        assert (head.status, head.headers["Allow"]) == (405, "GET")
        assert "Set-Cookie" not in head.headers
    assert (await browser.get(callback)).status == 302


async def test_a_returning_person_updates_the_tokens_only(browse: Any, fake: Any, fetch: Any) -> None:
    await browse().sign_in()
    [before] = await fetch("SELECT * FROM identities")
    fake.person.name, fake.person.login, fake.person.email = "New Name", "new-login", "new@example.org"
    browser = browse()
    assert (await browser.sign_in()).status == 302
    [after] = await fetch("SELECT * FROM identities")
    changed = {key for key in before.keys() if before[key] != after[key]}  # noqa: SIM118 - a Record
    assert changed == {"tokens", "last_used_at"}
    assert len(await fetch("SELECT 1 FROM users")) == 1
    assert (await browser.me())["email"] == "octavia@example.org"


async def test_tokens_at_rest_are_sealed_for_their_row(
    service: Any, browse: Any, fake: Any, fetch: Any
) -> None:
    await browse().sign_in()
    [token] = fake.tokens
    [row] = await fetch("SELECT tokens, identities::text AS whole FROM identities")
    assert token.encode() not in row["tokens"] and token not in row["whole"]
    opened = open_tokens(service.app[SECRETS], "github", "4711", row["tokens"])
    assert opened["access_token"] == token and "id_token" not in opened
    with pytest.raises(ValueError, match="sealed"):
        open_tokens(service.app[SECRETS], "github", "4712", row["tokens"])
    rotated = Secrets.from_config(Config(jwt_secret="another secret " * 3, jwt_secret_previous=SECRET))
    assert open_tokens(rotated, "github", "4711", row["tokens"])["access_token"] == token
    foreign = Secrets.from_config(Config(jwt_secret="another secret " * 3))
    with pytest.raises(ValueError, match="sealed"):
        open_tokens(foreign, "github", "4711", row["tokens"])


async def test_programs_get_the_address_and_errors_as_json(browse: Any, service: Any, fake: Any) -> None:
    browser = browse()
    answer = await browser.get(f"{API}/gitlab", "application/json")
    assert answer.status == 200
    url = urlsplit((await answer.json())["authorizeUrl"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{fake.url}/oauth/authorize"
    query = parse_qs(url.query)
    assert query["redirect_uri"] == [f"{service.url}{API}/gitlab/callback"]
    answer = await browse().get(f"{API}/gitlab/callback?code=x&state=y", "application/json")
    assert (answer.status, (await answer.json())["code"]) == (400, "flow_missing")


async def test_the_flow_lies_in_redis_for_ten_minutes_and_once(browse: Any, valkey: Any) -> None:
    def keys() -> list[bytes]:
        return [key for key in store.keys("*") if b"oauth" in key]

    with redis.Redis.from_url(valkey.url) as store:
        browser = browse()
        callback = await browser.approve("github")
        [key] = keys()
        assert 590 < store.ttl(key) <= 600
        assert browser.cookies[FLOW].encode() not in key
        held = json.loads(store.get(key))["session"]
        assert parse_qs(urlsplit(callback).query)["state"] == [held["state"]]
        first = browser.cookies[FLOW]
        # Another flow in the same browser ends this one.
        second = await browser.approve("github")
        assert len(keys()) == 1 and browser.cookies[FLOW] != first
        stale = browse()
        stale.cookies[FLOW] = first
        assert (await stale.get(callback)).status == 400
        assert (await browser.get(second)).status == 302
        assert keys() == []


async def test_nothing_secret_is_logged(
    browse: Any, fake: Any, fetch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = browse()
    with structlog.testing.capture_logs() as lines:
        callback = await browser.approve("oidc")
        flow = browser.cookies[FLOW]
        assert (await browser.get(callback)).status == 302
        assert (await browser.get(callback)).status == 400
        fake.trouble = {"token": "500"}
        failed = await browser.approve("oidc")
        assert (await browser.get(failed)).status == 502
    told = json.dumps(lines, default=str) + "".join(
        # The debug lines of the test's own HTTP client are not the service's.
        record.getMessage()
        for record in caplog.records
    )
    assert any(line["event"] == "oauth sign-in refused" for line in lines)
    kept = json.dumps([dict(row) for row in await fetch("SELECT payload, metadata FROM events")], default=str)
    query = parse_qs(urlsplit(callback).query)
    for secret in (*fake.tokens, *query["code"], *query["state"], flow, browser.cookies[REFRESH]):
        assert secret not in told and secret not in kept


async def test_the_list_of_providers(browse: Any, client: Any, service: Any, web_only: Any) -> None:
    answer = await (await client.get(API)).json()
    assert answer["nextCursor"] is None
    assert [row["provider"] for row in answer["data"]] == list(KINDS)
    assert answer["data"][0] == {
        "provider": "github",
        "name": "GitHub",
        "loginUrl": f"{service.url}{API}/github",
    }
    runner, _, url = await web_only(oauth_github_secret="", oauth_oidc_issuer="", env="production")
    try:
        # In production a Host header does not set the service's address.
        for path in (API, f"{API}/google"):
            missing = await browse(url).get(path, "application/json")
            assert (missing.status, (await missing.json())["code"]) == (503, "not_configured")
    finally:
        await runner.cleanup()
    runner, _, url = await web_only(
        oauth_github_secret="", oauth_oidc_issuer="", public_url="https://nex.example/"
    )
    try:
        browser = browse(url)
        rows = (await (await browser.get(API, "application/json")).json())["data"]
        assert [row["loginUrl"] for row in rows] == [
            f"https://nex.example{API}/google",
            f"https://nex.example{API}/gitlab",
        ]
        missing = await browser.get(f"{API}/github", "application/json")
        assert (missing.status, (await missing.json())["code"]) == (503, "not_configured")
        begun = await browser.get(f"{API}/gitlab")
        query = parse_qs(urlsplit(begun.headers["Location"]).query)
        assert query["redirect_uri"] == [f"https://nex.example{API}/gitlab/callback"]
    finally:
        await runner.cleanup()
    unknown = await browse().get(f"{API}/myspace", "application/json")
    assert unknown.status == 404


async def test_the_sign_in_page(browse: Any, service: Any) -> None:
    browser = browse()
    page = await browser.get("/sign-in?return_to=/a%22%3E%3Cscript%3E")
    text = await page.text()
    assert page.status == 200 and page.content_type == "text/html"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script>" not in text and 'data-return-to="/a&quot;&gt;&lt;script&gt;"' in text
    assert f'href="{API}/github?return_to=%2Fa%22%3E%3Cscript%3E"' in text
    for name in ("GitHub", "Google", "GitLab"):
        assert f"Continue with {name}" in text
    # Without the script, the form must not put the password into an address.
    assert 'method="post"' in text
    script = await browser.get("/sign-in.js")
    assert script.content_type == "text/javascript" and "/api/v1/auth/login" in await script.text()
    refused = await browser.get("/sign-in?return_to=//evil.example")
    assert refused.status == 400 and "evil" not in await refused.text()


async def test_a_sign_in_counts_to_the_limit_of_sessions(browse: Any, client: Any, fetch: Any) -> None:
    first = browse()
    await first.sign_in()
    me = await first.me()
    for _ in range(10):
        assert (await browse().sign_in()).status == 302
    live = await fetch("SELECT 1 FROM sessions WHERE revoked_at IS NULL")
    assert len(live) == 10
    assert (await client.get(ME, headers=me["headers"])).status == 401


async def test_without_redis_nothing_begins(browse: Any, web_only: Any, valkey: Any) -> None:
    runner, _, url = await web_only(redis_url="redis://127.0.0.1:1/0")
    try:
        answer = await browse(url).get(f"{API}/github", "application/json")
        assert (answer.status, (await answer.json())["code"]) == (503, "redis_unavailable")
        browser = browse(url)
        browser.cookies[FLOW] = "x"
        page = await browser.get(f"{API}/github/callback?code=a&state=b")
        assert page.status == 503 and page.content_type == "text/html"
    finally:
        await runner.cleanup()

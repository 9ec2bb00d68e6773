"""CORS, security headers, HEAD, and headers for caches."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api import API, publish
from tests.web.calls import check_envelope, send_raw, serving

ORIGIN = "https://app.example.com"
SECURE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
}


def check_secure(answer: Any) -> None:
    """Check the headers that every answer of the API has."""
    for name, value in SECURE.items():
        assert answer.headers.getall(name) == [value]
    assert "X-Request-Id" in answer.headers
    assert "aiohttp" not in answer.headers["Server"].lower()
    assert "python" not in answer.headers["Server"].lower()


@pytest.mark.shared
async def test_success_and_failure_alike_are_secured(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"{API}/posts/{post['id']}"
    etag = (await ann.client.get(path)).headers["ETag"]
    answers = [
        await ann.client.get(path),
        await ann.client.get(path, headers={"If-None-Match": etag}),
        await ann.client.get(f"{API}/nope"),
        await ann.client.get(f"{API}/posts?limit=0"),
        await ann.client.put(f"{API}/posts"),
        await ann.client.post(f"{API}/posts", data="{", headers={"Content-Type": "application/json"}),
        await ann.client.get(path, headers={"Authorization": "Bearer x"}),
        await ann.client.get("/health"),
        await ann.client.delete(path),
    ]
    assert [answer.status for answer in answers] == [200, 304, 404, 422, 405, 400, 401, 200, 204]
    for answer in answers:
        check_secure(answer)
        assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(
    ("proxies", "proto", "asked"),
    [
        (("127.0.0.0/8",), "https", True),
        (("127.0.0.0/8",), "http", False),
        # Any client can send the header; only trusted proxies are believed.
        (("192.0.2.0/24",), "https", False),
        ((), "https", False),
    ],
)
async def test_strict_transport_is_asked_for_behind_tls_only(
    web_only: Any, proxies: tuple[str, ...], proto: str, asked: bool
) -> None:
    async with serving(web_only, trusted_proxies=proxies) as (_, client):
        for path in ("/health", f"{API}/nope", f"{API}/posts"):
            answer = await client.get(path, headers={"X-Forwarded-Proto": proto})
            found = answer.headers.get("Strict-Transport-Security", "")
            assert ("max-age=31536000" in found) == asked, path


@pytest.mark.shared
async def test_pages_keep_a_policy_that_loads_nothing_from_elsewhere(client: Any) -> None:
    for path in ("/", "/api/docs"):
        answer = await client.get(path)
        assert answer.content_type == "text/html"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert "https://" not in await answer.text()


async def test_only_listed_origins_may_call(web_only: Any) -> None:
    async with serving(web_only, env="production", cors_origins=(ORIGIN,)) as (_, client):
        for path, status in (("/posts", 200), ("/nope", 404)):
            answer = await client.get(API + path, headers={"Origin": ORIGIN})
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
            exposed = answer.headers["Access-Control-Expose-Headers"]
            shown = {name.strip() for name in exposed.split(",")}
            assert shown >= {"ETag", "Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed"}
            assert shown >= {"Content-Range", "Content-Disposition", "Accept-Ranges"}
            assert shown >= {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
            assert "Origin" in answer.headers["Vary"]
        for foreign in (
            "https://evil.example",
            ORIGIN + ".evil.example",
            "http://app.example.com",
            "https://APP.example.com.",
            "http://localhost:3000",
            "null",
            "*",
            "",
        ):
            answer = await client.get(f"{API}/posts", headers={"Origin": foreign})
            assert answer.status == 200
            assert not [name for name in answer.headers if name.startswith("Access-Control")], foreign
            assert "Origin" in answer.headers["Vary"]
        assert "Vary" not in (await client.get(f"{API}/posts")).headers


@pytest.mark.shared
async def test_an_origin_that_is_no_address_is_a_foreign_one(client: Any) -> None:
    for origin in ("http://[evil", "http://[::1", "https://a:b:c", "http://a:99999999", "//", "\\\\", "é"):
        answer = await client.get("/health", headers={"Origin": origin})
        assert answer.status == 200, origin
        assert "Access-Control-Allow-Origin" not in answer.headers
        await check_envelope(await client.get("/nope", headers={"Origin": origin}), 404)


async def test_a_preflight_says_what_may_be_sent(web_only: Any) -> None:
    asks = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    async with serving(web_only, env="production", cors_origins=(ORIGIN,)) as (_, client):
        for path in ("/posts", "/posts/some-id", "/auth/login"):
            answer = await client.call("OPTIONS", API + path, headers={**asks, "Origin": ORIGIN})
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
            allowed = answer.headers["Access-Control-Allow-Headers"].lower()
            for name in ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match"):
                assert name in allowed
        answer = await client.call(
            "OPTIONS", f"{API}/posts", headers={**asks, "Origin": "https://evil.example"}
        )
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:5173"])
@pytest.mark.shared
async def test_development_lets_localhost_in(client: Any, origin: str) -> None:
    answer = await client.get("/health", headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    answer = await client.get("/health", headers={"Origin": "http://localhost.evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.shared
async def test_head_is_get_without_the_body(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    for path in (f"/posts/{post['id']}", "/posts", "/nope", f"/posts/{ann.id}", "/notifications"):
        seen = await ann.client.get(API + path)
        answer = await ann.client.call("HEAD", API + path)
        assert (answer.status, await answer.read()) == (seen.status, b"")
        check_secure(answer)
        if seen.status == 200:
            for name in ("Content-Type", "Content-Length", "ETag"):
                assert answer.headers.get(name) == seen.headers.get(name)
    etag = (await ann.client.get(f"{API}/posts/{post['id']}")).headers["ETag"]
    headers = {"If-None-Match": etag}
    assert (await ann.client.call("HEAD", f"{API}/posts/{post['id']}", headers=headers)).status == 304


CRLF = "%0d%0aX-Injected:%20yes%0d%0aSet-Cookie:%20a=b"


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (f"{API}/posts/{CRLF}", ""),
        (f"{API}/{CRLF}", ""),
        (f"/{CRLF}", ""),
        (f"{API}/posts?cursor={CRLF}", ""),
        (f"/api/docs/{CRLF}", ""),
        ("/health", f"X-Request-Id: {CRLF}\r\n"),
        ("/health", f"Origin: http://127.0.0.1/{CRLF}\r\n"),
        ("/health", "X-Request-Id: a\rX-Injected: yes\r\n"),
        ("/health", "X-Request-Id: a\nX-Injected:yes\r\n"),
        ("/health", "X-Request-Id: a\r\n X-Injected: yes\r\n"),
        ("/health", "Origin: http://127.0.0.1\r\n X-Injected: yes\r\n"),
    ],
)
@pytest.mark.shared
async def test_nothing_that_is_sent_becomes_a_header(service: Any, target: str, headers: str) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\r\n"
    answer = await asyncio.to_thread(send_raw, service.url, request.encode())
    head = answer.partition(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("http/1.")
    names = [line.partition(":")[0].strip() for line in head.replace("\r", "\n").split("\n")]
    assert not {"x-injected", "set-cookie"} & set(names), head


OWN_URL = "https://Intranet.example:443/connect"


@pytest.mark.parametrize("env", ["production", "development"])
async def test_a_page_speaks_for_the_service_by_public_url_not_by_host(web_only: Any, env: str) -> None:
    settings = {"env": env, "trusted_proxies": ("127.0.0.0/8",), "allowed_hosts": (".example",)}
    async with serving(web_only, public_url=OWN_URL, **settings) as (_, client):
        for origin, host, allowed in (
            ("https://intranet.example", "intranet.example", True),
            # A proxy may replace the Host with its own name.
            ("https://intranet.example", "web-1.example:8080", True),
            # Without TLS, anybody in the network can forge these.
            ("http://intranet.example", "intranet.example", False),
            ("https://intranet.example:8443", "intranet.example:8443", False),
            ("https://rebound.example", "rebound.example", False),
        ):
            headers = {"Host": host, "Origin": origin, "X-Forwarded-Proto": origin.partition(":")[0]}
            answer = await client.get(f"{API}/posts", headers=headers)
            assert answer.status == 200
            assert (answer.headers.get("Access-Control-Allow-Origin") == origin) == allowed, origin
            headers |= {"Cookie": "__Host-refresh=x", "X-Requested-With": "fetch"}
            answer = await client.post(f"{API}/auth/refresh", headers=headers)
            assert answer.status == (401 if allowed else 403), origin


async def test_without_public_url_no_page_is_the_services_own(web_only: Any) -> None:
    async with serving(web_only, env="production") as (_, client):
        headers = {"Host": "intranet.example", "Origin": "https://intranet.example"}
        answer = await client.get(f"{API}/posts", headers=headers)
        assert answer.status == 200
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_production_is_called_by_its_names(web_only: Any) -> None:
    settings = {"env": "production", "allowed_hosts": ("nex.internal", ".corp.example")}
    async with serving(web_only, public_url=OWN_URL, **settings) as (_, client):
        for host in (
            "intranet.example",
            "INTRANET.example.:8443",
            "nex.internal:80",
            "a.b.corp.example",
        ):
            assert (await client.get(f"{API}/posts", headers={"Host": host})).status == 200, host
        for host in (
            "evil.example",
            "intranet.example.evil.example",
            "xnex.internal",
            "corp.example.evil",
            "evilcorp.example",
            "127.0.0.1",
            "[::1",
            "x@evil.example",
        ):
            for path in (f"{API}/posts", "/", "/ws", "/nope"):
                answer = await client.get(path, headers={"Host": host})
                assert (await check_envelope(answer, 400))["code"] == "host_not_allowed", host
            # A probe calls by address.
            assert (await client.get("/health", headers={"Host": host})).status == 200
        preflight = {"Host": "evil.example", "Origin": "https://evil.example"}
        preflight["Access-Control-Request-Method"] = "POST"
        assert (await client.call("OPTIONS", f"{API}/posts", headers=preflight)).status == 400


async def test_development_is_called_by_any_name(web_only: Any) -> None:
    async with serving(web_only, env="development", public_url=OWN_URL) as (_, client):
        assert (await client.get(f"{API}/posts", headers={"Host": "evil.example"})).status == 200


@pytest.mark.shared
async def test_a_body_that_cannot_be_unpacked_ends_the_connection_and_says_so(
    service: Any, make_user: Any
) -> None:
    ann = await make_user()
    request = (
        f"POST /api/v1/posts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n"
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip"
    )
    answer = await asyncio.to_thread(send_raw, service.url, request.encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b'"bad_request"' in body
    assert b"connection: close" in head.lower()

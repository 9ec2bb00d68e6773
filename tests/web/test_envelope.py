"""Every error has the same envelope, whichever layer raises it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import yarl

from tests.api import API, publish
from tests.web.calls import check_envelope, send_raw

pytestmark = pytest.mark.shared

CANONICAL = "01a1fc2f-1bca-7388-b984-0dd910406111"


async def test_unknown_routes_are_404_in_the_envelope(client: Any) -> None:
    for path in ("/nope", "/api", "/api/v1", f"{API}/", f"{API}/nope", f"{API}/posts/", "/api/v2/posts"):
        for method in ("GET", "POST", "DELETE"):
            answer = await client.call(method, path)
            error = await check_envelope(answer, 404, "route_not_found")
            assert (error["path"], error["errors"]) == (path, {})


async def test_wrong_methods_are_405_and_say_which_are_right(make_user: Any) -> None:
    ann = await make_user()
    for method, path, allowed in (
        ("DELETE", f"{API}/posts", {"GET", "HEAD", "POST"}),
        ("PUT", f"{API}/posts/{CANONICAL}", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("POST", f"{API}/posts/{CANONICAL}/like", {"PUT", "DELETE"}),
        ("POST", "/health", {"GET", "HEAD"}),
        ("OPTIONS", f"{API}/posts", {"GET", "HEAD", "POST"}),
        ("PROPFIND", f"{API}/posts", {"GET", "HEAD", "POST"}),
        # The methods of this path, not those of /tasks/{id} and /notifications/{id}.
        ("PATCH", f"{API}/tasks/trash", {"GET", "HEAD", "DELETE"}),
        ("GET", f"{API}/notifications/seen", {"POST"}),
    ):
        answer = await ann.client.session.request(method, ann.client.url + path, headers=ann.headers)
        await check_envelope(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].replace(" ", "").split(",")) == allowed


async def test_what_else_a_client_expects_is_passed_over(client: Any) -> None:
    for expects, first in (("pizza", b"HTTP/1.1 401 "), ("100-continue", b"HTTP/1.1 100 ")):
        head = f"POST {API}/posts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: {expects}"
        raw = f"{head}\r\nContent-Length: 2\r\n\r\n{{}}"
        answered = await asyncio.to_thread(send_raw, client.url, raw.encode())
        assert answered.startswith(first) and b'"code":"unauthorized"' in answered, answered


async def test_the_timestamp_is_now_in_utc_with_six_digits(client: Any) -> None:
    error = await check_envelope(await client.get("/nope"), 404)
    assert len(error["timestamp"]) == 27
    moment = datetime.strptime(error["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=10)


async def test_a_path_of_any_bytes_has_an_envelope(make_user: Any) -> None:
    ann = await make_user()
    for name in (
        "%00",
        "%ff",
        "%0d%0aSet-Cookie:%20a=b",
        "%ED%A0%80",
        "%2e%2e%2f",
        "%F0%9F%AB%96",
        "%25",
        "<script>",
    ):
        url = yarl.URL(f"{ann.client.url}{API}/posts/{name}", encoded=True)
        answer = await ann.client.session.get(url, headers=ann.headers)
        assert answer.status in (404, 422)
        await check_envelope(answer, answer.status)
        assert "Set-Cookie" not in answer.headers


async def test_only_the_canonical_form_of_an_id_is_one(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    digits = CANONICAL.replace("-", "")
    for bad in (
        "1",
        "me",
        digits,
        f"urn:{digits}",
        "----" + digits,
        CANONICAL.replace("-", "_"),
        CANONICAL[:-1] + "g",
        "0_" + CANONICAL[2:],
        " " + CANONICAL[1:],
        CANONICAL + "0",
        "١" * 8 + CANONICAL[8:],
        "NaN",
        "' OR 1=1 --",
    ):
        for path in (f"/posts/{quote(bad)}", f"/users/{quote(bad)}/posts", f"/comments/post/{quote(bad)}"):
            error = await check_envelope(await ann.client.get(API + path), 422, "validation_failed")
            assert list(error["errors"]) == ["id"], bad
    assert (await ann.client.get(f"{API}/posts/{post['id'].upper()}")).status == 200


async def test_who_is_not_signed_in_is_401_before_anything_else(client: Any) -> None:
    for method, path in (("GET", "/posts?limit=abc"), ("POST", "/posts"), ("GET", "/posts/nonsense")):
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}):
            answer = await client.call(method, API + path, headers=headers, data=None)
            await check_envelope(answer, 401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_request_id_is_the_callers_where_it_is_harmless(client: Any) -> None:
    for good in ("a", "Trace-1.2:3_4", "x" * 64):
        answer = await client.get("/health", headers={"X-Request-Id": good})
        assert answer.headers["X-Request-Id"] == good
        error = await check_envelope(await client.get("/nope", headers={"X-Request-Id": good}), 404)
        assert error["requestId"] == good
    seen = set()
    for bad in ("", "x" * 65, "a b", "a\tb", "<script>", "é", '"', "a;b", "%0d%0a", "{{7*7}}", "' OR 1=1"):
        answer = await client.get("/health", headers={"X-Request-Id": bad})
        given = answer.headers["X-Request-Id"]
        assert given != bad
        assert given.isalnum() and given.isascii() and len(given) == 32
        seen.add(given)
    seen.add((await client.get("/health")).headers["X-Request-Id"])
    assert len(seen) == 12


async def test_what_is_no_http_is_400_without_a_stack(client: Any) -> None:
    for request in (
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        b"GET /health HTTP/1.1\r\nHost: a\r\nX-Big: " + b"x" * 20_000 + b"\r\n\r\n",
    ):
        answer = await asyncio.to_thread(send_raw, client.url, request)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 4") or head.startswith(b"HTTP/1.0 4"), answer
        for secret in (b"Traceback", b"File ", b".py"):
            assert secret not in body

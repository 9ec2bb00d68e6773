"""JSON bodies: unreadable, too large, of another type, or with unknown members."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest

from tests.api import API, fetch_value
from tests.web.calls import WRITES, check_envelope

POSTS = f"{API}/posts"
LIMIT = 256 * 1024


async def test_what_is_not_json_is_400(service: Any, make_user: Any) -> None:
    ann = await make_user()
    for body in (
        b"{",
        b"nope",
        b'{"body": "x"',
        b'{"body": NaN}',
        b'{"body": Infinity}',
        b'{"body": 1e400}',
        b'{"body": "x"} trailing',
        b"{'body': 'x'}",
        b'{"body": "\xff\xfe"}',
        b'{"body": "\\ud800"}',
        b'{"body": "a\nb"}',
        b"\x00",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'{"body": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"body": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b"[" * 100_000,
    ):
        answer = await ann.client.post(POSTS, data=body, headers=WRITES)
        await check_envelope(answer, 400, "malformed_json")
    assert await fetch_value(service, "SELECT count(*) FROM posts") == 0


@pytest.mark.shared
async def test_a_byte_order_mark_in_front_is_passed_over(make_user: Any) -> None:
    ann = await make_user()
    body = '\ufeff{"body": "\ufeffx"}'.encode()
    answer = await ann.client.post(POSTS, data=body, headers=WRITES)
    assert answer.status == 201, await answer.text()
    only = await ann.client.post(POSTS, data=b"\xef\xbb\xbf", headers=WRITES)
    assert list((await check_envelope(only, 422, "validation_failed"))["errors"]) == ["body"]


@pytest.mark.shared
async def test_json_that_is_no_object_is_422(make_user: Any) -> None:
    ann = await make_user()
    for body in (b"[]", b"null", b"1", b'"x"', b"true", b'[{"body": "x"}]', b"[" * 900 + b"]" * 900):
        answer = await ann.client.post(POSTS, data=body, headers=WRITES)
        error = await check_envelope(answer, 422, "validation_failed")
        assert list(error["errors"]) == ["_schema"]


@pytest.mark.shared
async def test_an_empty_body_lacks_its_fields(make_user: Any) -> None:
    ann = await make_user()
    answer = await ann.client.post(POSTS, headers=WRITES)
    error = await check_envelope(answer, 422, "validation_failed")
    assert list(error["errors"]) == ["body"]


@pytest.mark.shared
async def test_another_type_is_415(make_user: Any) -> None:
    ann = await make_user()
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "json",
        "a b",
    ):
        answer = await ann.client.post(POSTS, data=b'{"body": "x"}', headers={"Content-Type": kind})
        await check_envelope(answer, 415, "unsupported_media_type")
    for kind in ("application/json", "application/json; charset=utf-8", "APPLICATION/JSON"):
        answer = await ann.client.post(POSTS, data=b'{"body": "x"}', headers={"Content-Type": kind})
        assert answer.status == 201


def body_of(size: int) -> bytes:
    """Return valid JSON of this many bytes."""
    return b'{"body": "x"' + b" " * (size - 13) + b"}"


async def test_a_body_over_256_kb_is_413(service: Any, make_user: Any) -> None:
    ann = await make_user()

    async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    for size, status in ((LIMIT, 201), (LIMIT + 1, 413), (2_000_000, 413)):
        whole = await ann.client.post(POSTS, data=BytesIO(body_of(size)), headers=WRITES)
        chunked = await ann.client.post(POSTS, data=in_chunks(body_of(size)), headers=WRITES)
        for answer in (whole, chunked):
            if status == 413:
                await check_envelope(answer, 413, "payload_too_large")
            assert answer.status == status, size
    assert await fetch_value(service, "SELECT count(*) FROM posts") == 2


@pytest.mark.shared
async def test_a_compressed_body_counts_unpacked_and_rubbish_is_400(make_user: Any) -> None:
    ann = await make_user()
    headers = WRITES | {"Content-Encoding": "gzip"}
    good = await ann.client.post(POSTS, data=gzip.compress(b'{"body": "x"}'), headers=headers)
    assert good.status == 201
    bomb = await ann.client.post(POSTS, data=gzip.compress(body_of(5_000_000)), headers=headers)
    await check_envelope(bomb, 413, "payload_too_large")
    for rubbish in (b"not gzip at all", gzip.compress(b'{"body": "x"}')[:-12]):
        answer = await ann.client.post(POSTS, data=rubbish, headers=headers | {"Connection": "close"})
        await check_envelope(answer, 400)


@pytest.mark.shared
async def test_unknown_fields_are_refused_by_name(make_user: Any) -> None:
    ann = await make_user()
    for path, good in (
        ("/posts", {"body": "x"}),
        ("/comments", {"postId": str(ann.id), "body": "x"}),
        ("/auth/login", {"email": ann.email, "password": ann.password}),
    ):
        bad = good | {"admin": True, "__proto__": 1, "ünïcode": None}
        error = await check_envelope(await ann.client.post(API + path, json=bad), 422, "validation_failed")
        assert error["errors"].keys() == {"admin", "__proto__", "ünïcode"}


@pytest.mark.shared
async def test_long_hostile_text_is_answered_at_once(make_user: Any) -> None:
    """100 KB for each code that runs over text: mentions, trimming, lengths, UUIDs, cursors."""
    ann = await make_user()
    for text in ("@" * 100_000, "@a" * 50_000, " " * 100_000 + "x", "@" + "a" * 99_999, "\u202e" * 30_000):
        answer = await ann.client.post(POSTS, json={"body": text})
        assert answer.status == (201 if len(text.strip()) <= 20_000 else 422)
    for path in (f"/posts/{'9' * 5000}", f"/posts?cursor={'_' * 5000}", f"/posts?author={'-' * 5000}"):
        await check_envelope(await ann.client.get(API + path), 422, "validation_failed")

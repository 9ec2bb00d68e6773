"""Idempotency-Key: requests with the same key and body are done once and answered the same."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from tests.api import API, blocked, fetch_value, insist, publish
from tests.conftest import wait_until
from tests.web.calls import WRITES, check_envelope

POSTS = f"{API}/posts"
REPLAYED = "Idempotent-Replayed"


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


async def count_posts(service: Any) -> int:
    count: int = await fetch_value(service, "SELECT count(*) FROM posts")
    return count


async def test_the_same_key_and_body_replay_the_answer(service: Any, make_user: Any) -> None:
    ann = await make_user()
    first = await ann.client.post(POSTS, json={"body": "x"}, headers=key("k1"))
    assert (first.status, REPLAYED in first.headers) == (201, False)
    for _ in range(2):
        again = await ann.client.post(POSTS, json={"body": "x"}, headers=key("k1"))
        assert (again.status, again.headers[REPLAYED]) == (201, "true")
        assert await again.read() == await first.read()
        assert again.headers["Location"] == first.headers["Location"]
        assert again.content_type == "application/json"
        assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert await count_posts(service) == 1
    assert await fetch_value(service, "SELECT count(*) FROM events WHERE type = 'post.created'") == 1


async def test_a_replay_waits_for_the_standby_as_the_first_answer_does(service: Any, make_user: Any) -> None:
    """A writer that was cut off while waiting may have committed on the primary alone; a retry must wait."""
    ann = await make_user()
    await ann.client.post(POSTS, json={"body": "x"}, headers=key("k1"))
    name = urlsplit(service.config.database_url).path[1:]
    conn = await asyncpg.connect(service.config.database_url)
    try:
        # The setting is per database, so other databases of this server do not wait.
        await conn.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
        await conn.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        await conn.execute("SELECT pg_reload_conf()")
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> $2",
            name,
            await conn.fetchval("SELECT pg_backend_pid()"),
        )
        again = asyncio.create_task(
            insist(ann.client, "POST", "/posts", json={"body": "x"}, headers=key("k1"))
        )
        await wait_until(
            lambda: conn.fetchval(
                "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
                "AND query LIKE '%pg_logical_emit_message%'"
            )
        )
        assert not again.done()
    finally:
        await conn.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await conn.execute("SELECT pg_reload_conf()")
        await conn.close()
    answer = await again
    assert (answer.status, answer.headers[REPLAYED]) == (201, "true")
    assert await count_posts(service) == 1


async def test_a_replay_carries_the_etag_too(make_user: Any) -> None:
    ann = await make_user()
    first = await ann.client.post(POSTS, json={"body": "x"}, headers=key("k1"))
    again = await ann.client.post(POSTS, json={"body": "x"}, headers=key("k1"))
    assert again.headers.get("ETag") == first.headers["ETag"]


async def test_the_same_key_for_another_request_is_422(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await (await ann.client.post(POSTS, json={"body": "x"}, headers=key("k1"))).json()
    comment = {"postId": post["id"], "body": "x"}
    for answer in (
        await ann.client.post(POSTS, json={"body": "y"}, headers=key("k1")),
        await ann.client.post(POSTS, data=b'{"body":  "x"}', headers=WRITES | key("k1")),
        await ann.client.post(f"{API}/comments", json=comment, headers=key("k1")),
        await ann.client.post(f"{API}/notifications/read-all", headers=key("k1")),
    ):
        error = await check_envelope(answer, 422, "idempotency_key_reused")
        assert list(error["errors"]) == ["Idempotency-Key"]
    assert await count_posts(service) == 1
    assert await fetch_value(service, "SELECT count(*) FROM comments") == 0


async def test_thirty_at_once_make_one_row_and_one_answer(service: Any, make_user: Any) -> None:
    ann = await make_user()
    calls = [insist(ann.client, "POST", "/posts", json={"body": "x"}, headers=key("k1")) for _ in range(30)]
    answers = await asyncio.gather(*calls)
    assert {answer.status for answer in answers} == {201}
    assert len({await answer.read() for answer in answers}) == 1
    assert [REPLAYED in answer.headers for answer in answers].count(False) == 1
    assert await count_posts(service) == 1


async def test_a_failure_does_not_use_the_key_up(service: Any, make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    body = {"postId": post["id"], "body": "x"}
    nothing = f"{API}/comments"
    for bad, status in (
        ({"body": ""}, 422),
        ({**body, "parentId": str(ann.id)}, 422),
        ({**body, "postId": str(ann.id)}, 404),
    ):
        await check_envelope(await ann.client.post(nothing, json=bad, headers=key("k1")), status)
    answer = await ann.client.post(nothing, json=body, headers=key("k1"))
    assert (answer.status, REPLAYED in answer.headers) == (201, False)


async def test_who_waits_for_a_failure_does_the_work(service: Any, make_user: Any) -> None:
    """The second request waits for the first one's key; the first fails, so the second does the work."""
    ann = await make_user()
    async with service.db.connection(wait=5) as conn:
        transaction = conn.transaction()
        await transaction.start()
        await conn.execute(
            "INSERT INTO idempotency_keys (scope, key, fingerprint) VALUES ($1, 'k1', '')", str(ann.id)
        )
        waiting = asyncio.create_task(ann.client.post(POSTS, json={"body": "x"}, headers=key("k1")))
        await wait_until(lambda: blocked(service))
        await transaction.rollback()
    answer = await waiting
    assert (answer.status, REPLAYED in answer.headers) == (201, False)
    assert await count_posts(service) == 1


async def test_anothers_key_is_another_key(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    for user, body in ((ann, "ann's"), (bob, "bob's")):
        answer = await user.client.post(POSTS, json={"body": body}, headers=key("k1"))
        assert (answer.status, (await answer.json())["body"]) == (201, body)
    again = await ann.client.post(POSTS, json={"body": "ann's"}, headers=key("k1"))
    assert (await again.json())["author"]["id"] == str(ann.id)
    assert await count_posts(service) == 2


async def test_a_replay_needs_its_owners_token(make_user: Any) -> None:
    ann = await make_user()
    await ann.client.post(POSTS, json={"body": "x"}, headers=key("k1"))
    stranger = {**key("k1"), "Authorization": "Bearer nonsense"}
    await check_envelope(await ann.client.post(POSTS, json={"body": "x"}, headers=stranger), 401)


async def test_a_key_is_one_to_255_visible_characters(service: Any, make_user: Any) -> None:
    ann = await make_user()
    for bad in ("", "a b", "x" * 256, "é", "a\tb"):
        answer = await ann.client.post(POSTS, json={"body": "x"}, headers=key(bad))
        error = await check_envelope(answer, 422, "validation_failed")
        assert list(error["errors"]) == ["Idempotency-Key"]
    assert await count_posts(service) == 0
    for good in ("~", "x" * 255, "8e03978e-40d5-43e8-bc93-6894a57f9324", "';--"):
        assert (await ann.client.post(POSTS, json={"body": "x"}, headers=key(good))).status == 201


async def test_other_methods_ignore_the_key(make_user: Any) -> None:
    ann = await make_user()
    post = await publish(ann)
    path = f"{POSTS}/{post['id']}"
    for body in ("y", "z"):
        answer = await ann.client.patch(path, json={"body": body}, headers=key("k1"))
        assert ((await answer.json())["body"], REPLAYED in answer.headers) == (body, False)


async def test_a_post_without_a_body_keeps_the_promise_too(make_user: Any) -> None:
    ann = await make_user()
    path = f"{API}/notifications/read-all"
    first = await ann.client.post(path, headers=key("k1"))
    again = await ann.client.post(path, headers=key("k1"))
    assert (first.status, again.status, again.headers[REPLAYED]) == (200, 200, "true")
    await check_envelope(await ann.client.post(path, json={"before": None}, headers=key("k1")), 422)
    await check_envelope(await ann.client.post(path, json="x" * 300_000, headers=key("k2")), 413)

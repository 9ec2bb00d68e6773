"""Failures and overload: a 500 that reveals nothing, and a 503 at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from nexcorp import context
from nexcorp.db import sql
from nexcorp.features.audit import routes as audit
from nexcorp.features.posts import routes as posts
from nexcorp.security.app_keys import DATABASE
from nexcorp.web import gateway
from nexcorp.web.gate import GATE
from tests.api import API, NOBODY
from tests.contract import ROUTES
from tests.web.calls import check_envelope, serving, sign_other

SECRET = "canary_7f3a"
BODIES: dict[str, dict[str, Any]] = {
    "CreatePost": {"body": "x"},
    "UpdatePost": {"body": "x"},
    "MovePost": {"status": "open"},
    "AssignPost": {"userId": NOBODY},
    "CreateComment": {"postId": NOBODY, "body": "x"},
    "UpdateComment": {"body": "x"},
    "UpdateNotification": {"isRead": True},
    "Before": {},
    "ArchiveAll": {},
    "UpTo": {},
}
FEATURES = ("posts", "comments", "reactions", "follows", "notifications")


async def test_a_failure_on_any_route_tells_nothing(web_only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(web_only) as (_, client):

        async def fail(*args: Any, **options: Any) -> Any:
            raise asyncpg.UndefinedColumnError(f'column "{SECRET}" does not exist, in SELECT')

        monkeypatch.setattr(asyncpg.Connection, "_execute", fail)
        routes = [route for route in ROUTES if route.handler.__module__.split(".")[-2] in FEATURES]
        assert len(routes) >= 20
        for route in routes:
            body = BODIES[type(route.body).__name__] if route.body is not None else None
            path = route.full_path.replace("{id}", NOBODY)
            with capture_logs() as logs:
                answer = await client.call(route.method, path, json=body)
            error = await check_envelope(answer, 500, "internal_error")
            assert error["errors"] == {}
            text = await answer.text()
            for secret in (SECRET, "SELECT", "column", "Traceback", ".py", "asyncpg"):
                assert secret not in text, (route.full_path, text)
            assert [line["path"] for line in logs if line["event"] == "request crashed"] == [path]


async def test_a_statement_of_ours_that_is_wrong_is_500_and_the_next_call_works(
    web_only: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(web_only) as (_, client):
        with monkeypatch.context() as patch:
            patch.setattr(sql.posts, "create_post", lambda conn, **values: conn.fetchval("SELECT nonsense"))
            answer = await client.post(f"{API}/posts", json={"body": "x"})
            await check_envelope(answer, 500, "internal_error")
        assert (await client.post(f"{API}/posts", json={"body": "x"})).status == 201


async def test_a_full_pool_is_503_within_half_a_second(web_only: Any) -> None:
    async with serving(web_only, database_pool=(1, 1)) as (app, client):
        async with app[DATABASE].connection(wait=5):
            for call in (client.get(f"{API}/posts"), client.post(f"{API}/posts", json={"body": "x"})):
                started = time.monotonic()
                answer = await call
                assert 0.2 < time.monotonic() - started < 4
                await check_envelope(answer, 503, "overloaded")
                assert int(answer.headers["Retry-After"]) >= 1
            assert (await client.get("/health")).status == 200
        assert (await client.get(f"{API}/posts")).status == 200


async def test_over_the_in_flight_cap_is_503_at_once(web_only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(web_only, max_in_flight=1) as (_, client):
        entered, finish = asyncio.Event(), asyncio.Event()

        async def list_slowly(conn: Any, **values: Any) -> list[Any]:
            entered.set()
            await finish.wait()
            return []

        monkeypatch.setattr(sql.feed, "list_feed", list_slowly)
        slow = asyncio.create_task(client.get(f"{API}/feed"))
        await entered.wait()
        answer = await client.post(f"{API}/posts", json={"body": "x"})
        await check_envelope(answer, 503, "overloaded")
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await client.get("/nope")).status == 503
        # A platform restarts a process whose probe is refused, and this one is only busy.
        for path, statuses in (("/health", {200}), ("/ready", {200, 503}), ("/metrics", {200})):
            answer = await client.get(path)
            assert answer.status in statuses
            assert '"overloaded"' not in (await answer.text()).replace('code="overloaded"', "")
        finish.set()
        assert (await slow).status == 200
        assert (await client.post(f"{API}/posts", json={"body": "x"})).status == 201


async def test_one_account_and_slow_work_leave_connections_to_the_others(
    web_only: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(web_only, database_pool=(8, 8)) as (app, client):
        pool, held = app[DATABASE], asyncio.Event()

        async def hold(conn: Any, **values: Any) -> list[Any]:
            await held.wait()
            return []

        monkeypatch.setitem(posts.BY_TYPE, "normal", hold)
        tokens = [await sign_other(app, name) for name in ("one", "two", "three")]

        async def get(path: str, who: int) -> Any:
            return await client.get(path, headers={"Authorization": f"Bearer {tokens[who]}"})

        # An account may hold half of the connections; its next request waits, and is then refused.
        own = [asyncio.create_task(get(f"{API}/posts?type=normal", 0)) for _ in range(4)]
        await asyncio.sleep(0.1)
        answer = await get(f"{API}/posts?type=normal", 0)
        await check_envelope(answer, 429, "too_many_requests")
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await get(f"{API}/feed", 1)).status == 200
        held.set()
        assert [answer.status for answer in await asyncio.gather(*own)] == [200] * 4
        assert (await get(f"{API}/posts?type=normal", 0)).status == 200

        # Heavy requests may hold half of the connections, those of one account half of these.
        held.clear()
        monkeypatch.setattr(audit, "choose_statement", lambda query, known: hold)
        heavy = [asyncio.create_task(get(f"{API}/events", who)) for who in (0, 0, 0, 0, 1, 1)]
        await asyncio.sleep(0.1)
        await check_envelope(await get(f"{API}/events", 2), 503, "overloaded")
        assert (await get(f"{API}/feed", 2)).status == 200
        waiting = asyncio.create_task(get(f"{API}/events", 2))
        await asyncio.sleep(0.1)
        held.set()
        assert (await waiting).status == 200
        assert [answer.status for answer in await asyncio.gather(*heavy)] == [200] * 6
        assert (pool.leased, pool.shares._lines, app[GATE].working) == (0, {}, 0)


async def test_a_heavy_statement_is_cut_off_early(web_only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(web_only) as (_, client):
        monkeypatch.setattr(context, "HEAVY_SECONDS", 0.2)
        monkeypatch.setattr(
            audit, "choose_statement", lambda *_: lambda conn, **_: conn.fetch("SELECT pg_sleep(20)")
        )
        await check_envelope(await client.get(f"{API}/events"), 503, "timeout")
        assert (await client.get(f"{API}/posts")).status == 200


async def test_a_request_that_takes_too_long_is_503_and_undone(
    web_only: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write of one statement is cancelled in it; one of several statements is rolled back."""
    async with serving(web_only) as (app, client):
        create, forever = sql.posts.create_post, asyncio.Event()

        async def create_slowly(conn: Any, **values: Any) -> Any:
            await create(conn, **values)
            await forever.wait()

        key = {"Idempotency-Key": "once"}
        with monkeypatch.context() as patch:
            patch.setattr(gateway, "REQUEST_SECONDS", 0.3)
            async with app[DATABASE].transaction(wait=5) as conn:
                # The outbox is the last table that the statement writes.
                await conn.execute("LOCK TABLE outbox IN EXCLUSIVE MODE")
                answer = await client.post(f"{API}/posts", json={"body": "x"})
                await check_envelope(answer, 503, "timeout")
                assert "Retry-After" in answer.headers
            patch.setattr(sql.posts, "create_post", create_slowly)
            answer = await client.post(f"{API}/posts", json={"body": "x"}, headers=key)
            await check_envelope(answer, 503, "timeout")
        assert (await (await client.get(f"{API}/posts")).json())["data"] == []
        assert (await client.post(f"{API}/posts", json={"body": "x"}, headers=key)).status == 201

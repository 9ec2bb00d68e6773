"""Rate limits: exact over nodes, by address and account, without Redis as well, and honest headers."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import redis

from nexcorp.config import Config
from nexcorp.embedded import ValkeyServer
from nexcorp.security import authentication, limits
from nexcorp.security.api_keys import hash_key, make_key
from nexcorp.security.app_keys import API_KEYS
from nexcorp.security.limits import LIMITS, MAX_BUCKETS, Bucket, Rule, network_of
from nexcorp.security.redis_scripts import REST_SECONDS
from tests.api import API
from tests.conftest import start_web, wait_until
from tests.web.calls import check_envelope, serving

FIELDS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
PUBLIC_PATH = f"{API}/auth/login"
OWN = f"{API}/auth/me"
# Refused with 422 after the rate limit and before the database, which could not serve 200 clients at once.
CHEAP = f"{API}/posts?limit=0"


@pytest.fixture
async def nodes(config: Config) -> AsyncIterator[Callable[..., Any]]:
    """`urls, apps = await nodes(rate_limit_user=40)` starts two web processes on one database and Redis."""
    runners: list[Any] = []

    async def start(**settings: Any) -> tuple[list[str], list[Any]]:
        started = [await start_web(replace(config, **settings)) for _ in range(2)]
        runners.extend(runner for runner, _, _ in started)
        return [url for _, _, url in started], [app for _, app, _ in started]

    yield start
    for runner in runners:
        await runner.cleanup()


async def call_many(urls: list[str], count: int, headers: dict[str, str], path: str = CHEAP) -> list[Any]:
    """Send concurrent requests, spread over the nodes; return (status, Retry-After) of each."""
    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def call(number: int) -> tuple[int, str | None]:
            async with session.get(urls[number % len(urls)] + path, headers=headers) as answer:
                await answer.read()
                return answer.status, answer.headers.get("Retry-After")

        return await asyncio.gather(*(call(number) for number in range(count)))


def most(limit: int, seconds: float) -> int:
    """Return how many requests a full bucket lets in within `seconds`."""
    return limit + math.floor(seconds * limit / 60)


@pytest.mark.parametrize("limit", [7, 40, 100])
async def test_two_nodes_together_let_in_exactly_the_limit(
    nodes: Any, make_user: Any, limit: int, monkeypatch: Any
) -> None:
    # One loop runs everything here, so Redis must not be given up for being slow.
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 10.0)
    user = await make_user()
    urls, apps = await nodes(rate_limit_user=limit)
    began = time.monotonic()
    answers = await call_many(urls, 200, user.headers)
    elapsed = time.monotonic() - began
    admitted = sum(status == 422 for status, _ in answers)
    assert {status for status, _ in answers} == {422, 429}
    assert limit <= admitted <= most(limit, elapsed)
    assert all(retry is not None for status, retry in answers if status == 429)
    assert not any(app[LIMITS].scripts.down for app in apps)


async def test_slices_left_over_are_given_back(nodes: Any, make_user: Any, monkeypatch: Any) -> None:
    """A node that reserved requests in advance and got no more of them gives them back soon."""
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 10.0)
    user = await make_user()
    urls, _ = await nodes(rate_limit_user=100)
    began = time.monotonic()
    first = await call_many(urls[:1], 1, user.headers)
    await asyncio.sleep(1.5)
    answers = first + await call_many(urls[1:], 150, user.headers)
    elapsed = time.monotonic() - began
    admitted = sum(status == 422 for status, _ in answers)
    assert 100 <= admitted <= most(100, elapsed)


async def test_a_key_far_from_its_limit_costs_few_round_trips(
    web_only: Any, make_user: Any, valkey: ValkeyServer
) -> None:
    user = await make_user()
    runner, _, url = await web_only(rate_limit_user=6000)
    with redis.Redis.from_url(valkey.url) as watching:

        def count() -> int:
            stats: Any = watching.info("commandstats")
            return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))

        before = count()
        answers = await call_many([url], 250, user.headers)
        assert {status for status, _ in answers} == {422}
        # A node reserves 300 requests at a time, for a second; a slow machine takes many seconds.
        assert count() - before <= 50
    await runner.cleanup()


async def test_every_session_of_an_account_shares_its_limit(
    service: Any, web_only: Any, make_user: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    runner, app, url = await web_only(rate_limit_user=10)
    async with aiohttp.ClientSession() as session:
        body = {"email": ann.email, "password": ann.password, "platform": "cli"}
        async with session.post(service.url + PUBLIC_PATH, json=body) as answer:
            other = {"Authorization": f"Bearer {(await answer.json())['accessToken']}"}
        key = make_key()
        async with service.db.connection() as conn:
            await conn.execute(
                """INSERT INTO api_keys (user_id, name, shown, secret_hash, scopes)
                VALUES ($1, 'k', $2, $3, '{post:read}')""",
                ann.id, key[:10], hash_key(key),
            )  # fmt: skip
        keyed = {"Authorization": f"Bearer {key}"}
        seen = []
        for headers in (ann.headers, other, keyed) * 4:
            path = f"{API}/posts" if headers is keyed else OWN
            async with session.get(url + path, headers=headers) as answer:
                seen.append((answer.status, answer.headers["RateLimit-Remaining"]))
        assert [status for status, _ in seen] == [200] * 10 + [429] * 2
        assert [int(left) for _, left in seen] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
        async with session.get(url + OWN, headers=bob.headers) as answer:
            assert (answer.status, answer.headers["RateLimit-Remaining"]) == (200, "9")
        assert app[LIMITS].anonymous.limit == 0
    await runner.cleanup()


async def test_accounts_that_proved_nothing_multiply_no_limit(web_only: Any, make_user: Any) -> None:
    """Unverified accounts share one account's budget; a verified one has its own."""
    known, *unknown = [await make_user(), *[await make_user(verified=False) for _ in range(3)]]
    # Also where mail is not configured, so that nobody can verify an address.
    async with serving(web_only, rate_limit_user=9, env="production", registration="open") as (_, client):
        answers = [await client.get(OWN, headers=user.headers) for user in unknown * 4]
        assert [answer.status for answer in answers] == [200] * 9 + [429] * 3
        assert (await client.get(OWN, headers=known.headers)).headers["RateLimit-Remaining"] == "8"


async def test_an_address_makes_so_many_accounts_an_hour(web_only: Any, client: Any, service: Any) -> None:
    async with serving(web_only, rate_limit_registrations=2, rate_limit_anonymous=50) as (_, web):

        async def register(number: int) -> Any:
            body = {"email": f"new{number}@example.com", "password": "a good long password"}
            return await web.post(f"{API}/auth/register", json=body)

        answers = [await register(number) for number in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        # The headers of the others describe the budget of a minute.
        assert [answer.headers["RateLimit-Limit"] for answer in answers] == ["50", "50", "2"]
        assert 60 < int(answers[2].headers["Retry-After"]) <= 1800
    # The limit is off in development, and 20 in production.
    assert service.config.registrations_per_hour == 0
    assert replace(service.config, env="production").registrations_per_hour == 20


async def test_every_limited_answer_says_where_one_stands(web_only: Any) -> None:
    async with serving(web_only, rate_limit_user=50, rate_limit_anonymous=20) as (_, client):
        answers = [
            await client.get(f"{API}/posts"),
            await client.get(f"{API}/posts?limit=0"),
            await client.get(f"{API}/posts/{'0' * 8}-0000-7000-8000-{'0' * 12}"),
            await client.post(f"{API}/posts", data="{", headers={"Content-Type": "application/json"}),
            await client.get(OWN, headers={"Authorization": "Bearer x"}),
            await client.post(PUBLIC_PATH, json={}),
            await client.get("/ws", headers={"Authorization": ""}),
        ]
        assert [answer.status for answer in answers] == [200, 422, 404, 400, 401, 422, 400]
        limits = [answer.headers["RateLimit-Limit"] for answer in answers]
        assert limits == ["50"] * 4 + ["20"] * 3
        remaining = [int(answer.headers["RateLimit-Remaining"]) for answer in answers]
        assert remaining == [49, 48, 47, 46, 19, 18, 17]
        for answer in answers:
            assert 0 < int(answer.headers["RateLimit-Reset"]) <= 60
        for path in ("/health", "/ready", "/metrics"):
            answer = await client.get(path)
            assert not [name for name in FIELDS if name in answer.headers], path
        answer = await client.get(f"{API}/nope")
        assert (answer.status, answer.headers["RateLimit-Remaining"]) == (404, "16")
        asks = {"Origin": "http://localhost:1", "Access-Control-Request-Method": "GET"}
        for _ in range(30):
            answer = await client.call("OPTIONS", f"{API}/posts", headers=asks)
            assert answer.status == 204
        answer = await client.get(f"{API}/posts", headers={"Origin": "http://localhost:1"})
        assert int(answer.headers["RateLimit-Remaining"]) in (45, 46)
        for name in FIELDS:
            assert name in answer.headers["Access-Control-Expose-Headers"]


async def test_what_is_outside_of_the_api_is_counted_per_address(web_only: Any) -> None:
    paths = (
        "/media/nope",
        "/api/openapi.json",
        "/api/docs",
        "/",
        "/nope",
        "/sign-in",
        "/api/docs/nope",
        "/nope/x",
    )
    async with serving(web_only, rate_limit_files=len(paths), rate_limit_anonymous=3) as (_, client):
        for left, path in reversed(list(enumerate(paths))):
            answer = await client.get(path)
            assert answer.status in (200, 404), path
            assert int(answer.headers["RateLimit-Remaining"]) == left
        for path in paths:
            await check_envelope(await client.get(path), 429, "too_many_requests")
        # Files do not count as requests, probes are answered, and unknown paths of the API count as its own.
        for path, status in (
            ("/health", 200),
            ("/metrics", 200),
            *[(f"{API}/nope", 404)] * 3,
            (f"{API}/nope", 429),
        ):
            assert (await client.get(path)).status == status, path


async def test_waiting_as_long_as_told_helps_and_less_does_not(web_only: Any) -> None:
    async with serving(web_only, rate_limit_user=30) as (_, client):
        for _ in range(31):
            answer = await client.get(OWN)
        await check_envelope(answer, 429, "too_many_requests")
        # One request every two seconds, part of which may be over already.
        wait = int(answer.headers["Retry-After"])
        assert wait in (1, 2)
        refused = time.monotonic()
        while (answer := await client.get(OWN)).status == 429:
            assert time.monotonic() - refused < wait
            assert int(answer.headers["RateLimit-Remaining"]) == 0
            await asyncio.sleep(0.1)
        assert time.monotonic() - refused > wait - 1.2
        answer = await client.get(OWN)
        assert answer.status == 429
        await asyncio.sleep(int(answer.headers["Retry-After"]))
        assert (await client.get(OWN)).status == 200


async def test_strangers_are_counted_by_address(web_only: Any) -> None:
    async with serving(web_only, rate_limit_anonymous=5, trusted_proxies=("127.0.0.0/8",)) as (_, client):

        async def ask(forwarded: str) -> int:
            headers = {"Authorization": "", "X-Forwarded-For": forwarded}
            return int((await client.get(OWN, headers=headers)).status)

        assert [await ask("192.0.2.1") for _ in range(7)] == [401] * 5 + [429] * 2
        assert await ask("192.0.2.2") == 401
        # Elements further left are claims of the client.
        assert await ask("203.0.113.9, 192.0.2.1") == 429
        # A customer's IPv6 network counts as one client.
        hosts = [f"2001:db8:1:2::{number}" for number in range(1, 7)]
        assert [await ask(host) for host in hosts] == [401] * 5 + [429]
        assert await ask("2001:db8:1:3::1") == 401
        # A signed-in user has a separate budget.
        assert (await client.get(OWN, headers={"X-Forwarded-For": "192.0.2.1"})).status == 200


async def test_people_behind_one_address_do_not_lock_each_other_out(web_only: Any, make_user: Any) -> None:
    user = await make_user()
    login = {"email": user.email, "password": user.password, "platform": "cli"}
    async with serving(web_only, rate_limit_anonymous=4, rate_limit_user=40, login_failures=0) as (_, client):
        public = {"Authorization": ""}

        async def post(path: str, **body: Any) -> Any:
            return await client.post(f"{API}/auth/{path}", json=body, headers=public)

        # Successful sign-ins count for the account, not for the address.
        answers = [await post("login", **login) for _ in range(6)]
        assert [answer.status for answer in answers] == [200] * 6
        tokens = [(await answer.json())["refreshToken"] for answer in answers]
        wrong = [await post("login", **login | {"password": "wrong"}) for _ in range(6)]
        assert {answer.status for answer in wrong[:3]} == {401}
        assert {answer.status for answer in wrong[4:]} == {429}
        # The address has no budget left, so forged and malformed tokens are refused.
        for body in ({"refreshToken": "x"}, {"refreshToken": 1}, {}):
            assert (await post("refresh", **body)).status == 429
            assert (await post("logout", **body)).status == 429
        # A session has its own budget, however many of its tokens are used.
        for token in tokens[:2]:
            seen = [(await post("refresh", refreshToken=token)).status for _ in range(6)]
            assert seen[:4] == [200] * 4
            assert seen[5] == 429
        assert (await post("logout", refreshToken=tokens[2])).status == 204


@pytest.mark.parametrize("proxies", [(), ("192.0.2.0/24",)])
async def test_a_claimed_address_brings_no_fresh_budget(web_only: Any, proxies: tuple[str, ...]) -> None:
    runner, _, url = await web_only(rate_limit_anonymous=5, trusted_proxies=proxies)
    async with aiohttp.ClientSession() as session:
        seen = []
        for number in range(8):
            headers = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
            async with session.get(url + OWN, headers=headers) as answer:
                seen.append(answer.status)
    await runner.cleanup()
    assert seen == [401] * 5 + [429] * 3


async def test_guessed_api_keys_are_refused_before_postgresql_is_asked(
    web_only: Any, monkeypatch: Any
) -> None:
    async with serving(web_only, rate_limit_anonymous=10) as (app, client):
        asked = 0
        verify = app[API_KEYS].verify

        async def count(key: str) -> Any:
            nonlocal asked
            asked += 1
            return await verify(key)

        monkeypatch.setattr(app[API_KEYS], "verify", count)

        async def guess() -> int:
            answer = await client.get(f"{API}/posts", headers={"Authorization": f"Bearer {make_key()}"})
            return int(answer.status)

        statuses = await asyncio.gather(*(guess() for _ in range(60)))
        assert asked == statuses.count(401) <= 11
        assert set(statuses) == {401, 429}


async def test_limits_go_on_without_redis(
    config: Config, make_user: Any, own_valkey: ValkeyServer, nodes: Any
) -> None:
    user = await make_user()
    urls, apps = await nodes(rate_limit_user=60, redis_url=own_valkey.url)
    began = time.monotonic()
    half = await call_many(urls[:1], 20, user.headers)
    assert {status for status, _ in half} == {422}
    pending = asyncio.create_task(call_many(urls[:1], 200, user.headers))
    await asyncio.sleep(0.05)
    own_valkey.kill()
    answers = half + await pending
    elapsed = time.monotonic() - began
    admitted = sum(status == 422 for status, _ in answers)
    assert {status for status, _ in answers} == {422, 429}
    # Only this node was called, and it goes on from the counts it knew.
    assert 58 <= admitted <= most(60, elapsed)
    assert elapsed < 10
    answers = await call_many(urls[:1], 20, user.headers)
    assert {status for status, _ in answers} <= {422, 429}

    own_valkey.start()
    await asyncio.sleep(REST_SECONDS)

    async def shared() -> bool:
        await call_many(urls[1:], 1, user.headers)
        return not apps[1][LIMITS].scripts.down

    await wait_until(shared)


async def test_a_hanging_redis_delays_one_request_and_not_the_next(
    make_user: Any, own_valkey: ValkeyServer, nodes: Any
) -> None:
    user = await make_user()
    urls, _ = await nodes(rate_limit_user=6000, redis_url=own_valkey.url)
    assert own_valkey.process is not None
    own_valkey.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        answers = await call_many(urls, 30, user.headers)
        assert time.monotonic() - began < 2
        assert {status for status, _ in answers} == {422}
        began = time.monotonic()
        assert {status for status, _ in await call_many(urls, 30, user.headers)} == {422}
        assert time.monotonic() - began < 1
    finally:
        own_valkey.process.send_signal(signal.SIGCONT)


async def test_keys_in_redis_expire_by_themselves(web_only: Any, valkey: ValkeyServer) -> None:
    async with serving(web_only, rate_limit_user=100, rate_limit_anonymous=100) as (_, client):
        await client.get(OWN)
        await client.post(PUBLIC_PATH, json={})
        with redis.Redis.from_url(valkey.url) as watching:
            keys: Any = watching.keys("nexcorp:limit:*")
            assert len(keys) == 2
            for key in keys:
                left: Any = watching.pttl(key)
                assert 0 < left <= 60_001


def test_networks() -> None:
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:2::") == network_of("2001:db8:1:2:ffff::1")


def test_memory_is_bounded() -> None:
    rule = Rule("address", 100)
    for number in range(MAX_BUCKETS + 10):
        rule.bucket(str(number)).use(time.monotonic())
    assert len(rule.buckets) <= MAX_BUCKETS
    assert str(MAX_BUCKETS + 9) in rule.buckets
    for bucket in rule.buckets.values():
        bucket.own = 0.0
    rule.prune()
    assert not rule.buckets


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_alone_a_node_lets_in_exactly_the_limit(limit: int) -> None:
    bucket = Bucket(Rule("address", limit), "x")
    now = time.monotonic()
    assert [bucket.take_alone(now) for _ in range(limit + 3)] == [True] * limit + [False] * 3
    step = bucket.rule.step
    assert not bucket.take_alone(now + step * 0.99)
    assert bucket.take_alone(now + step * 1.01)
    assert not bucket.take_alone(now + step * 1.02)


async def test_guessed_tickets_do_not_reach_the_database(web_only: Any, monkeypatch: Any) -> None:
    asked = []
    consume = authentication.consume_ticket

    async def note(*values: Any) -> Any:
        asked.append(values)
        return await consume(*values)

    monkeypatch.setattr(authentication, "consume_ticket", note)
    async with serving(web_only, rate_limit_anonymous=5) as (_, client):
        for number in range(20):
            await client.get(f"/api/v1/users/me/export?ticket=guess{number}")
    assert asked == []

"""Failed sign-ins: after five, growing waits for one account from one network, and for no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import redis

from nexcorp.config import Config
from nexcorp.embedded import ValkeyServer
from nexcorp.errors import Overloaded
from nexcorp.features.auth.sessions import routes
from nexcorp.security import throttle
from nexcorp.security.redis_scripts import Scripts
from nexcorp.security.throttle import THROTTLE, Failures, Throttle, network_of
from tests.conftest import start_web
from tests.web.calls import check_envelope

LOGIN = "/api/v1/auth/login"
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.7"


@pytest.fixture
def config(config: Config) -> Config:
    """The service's settings with the throttle on, behind a proxy that tells clients apart."""
    return replace(config, login_failures=5, trusted_proxies=("127.0.0.0/8",))


@pytest.fixture
async def sign_in_from(service: Any) -> AsyncIterator[Any]:
    """`answer = await sign_in_from(address, email, password)`; `url` may name another node."""
    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def call(address: str, email: str, password: str = "wrong", url: str | None = None) -> Any:  # noqa: S107
            body = {"email": email, "password": password, "platform": "cli"}
            headers = {"X-Forwarded-For": address}
            async with session.post((url or service.url) + LOGIN, json=body, headers=headers) as answer:
                await answer.read()
                return answer

        yield call


@pytest.fixture
def count_checks(monkeypatch: Any) -> list[str]:
    """A list that fills with the passwords that were really checked."""
    checked: list[str] = []
    verify = routes.verify_password

    async def count(known: str | None, password: str) -> bool:
        checked.append(password)
        return await verify(known, password)

    monkeypatch.setattr(routes, "verify_password", count)
    return checked


def skip_wait(valkey: ValkeyServer) -> int:
    """End the wait of the only counter; return how many milliseconds were left."""
    with redis.Redis.from_url(valkey.url) as client:
        (key,) = client.keys("nexcorp:throttle:*")
        seconds, micros = client.time()
        until = int(client.hget(key, "free_at"))
        client.hset(key, "free_at", 0)
        return until - (seconds * 1000 + micros // 1000)


async def test_after_five_failures_even_the_right_password_waits(sign_in_from: Any, make_user: Any) -> None:
    user = await make_user()
    for _ in range(5):
        assert (await sign_in_from(HERE, user.email)).status == 401
    answer = await sign_in_from(HERE, user.email.upper(), user.password)
    await check_envelope(answer, 429, "too_many_requests")
    assert 28 <= int(answer.headers["Retry-After"]) <= 30
    # Another address of the same network must wait, too; any other network signs in at once.
    assert (await sign_in_from("192.0.2.200", user.email, user.password)).status == 429
    assert (await sign_in_from(ELSEWHERE, user.email, user.password)).status == 200
    # A sign-in from elsewhere does not shorten the wait here.
    assert (await sign_in_from(HERE, user.email, user.password)).status == 429


async def test_waits_double_up_to_a_quarter_of_an_hour(
    sign_in_from: Any, make_user: Any, valkey: ValkeyServer
) -> None:
    user = await make_user()
    for _ in range(5):
        await sign_in_from(HERE, user.email)
    waits = [skip_wait(valkey)]
    for _ in range(6):
        assert (await sign_in_from(HERE, user.email)).status == 401
        assert (await sign_in_from(HERE, user.email)).status == 429
        waits.append(skip_wait(valkey))
    assert [round(wait / 1000 / 30) for wait in waits] == [1, 2, 4, 8, 16, 30, 30]
    # A successful sign-in clears the counter.
    assert (await sign_in_from(HERE, user.email, user.password)).status == 200
    with redis.Redis.from_url(valkey.url) as client:
        assert client.keys("nexcorp:throttle:*") == []
    for _ in range(5):
        assert (await sign_in_from(HERE, user.email)).status == 401


@pytest.mark.parametrize("known", [True, False])
async def test_fifty_at_once_come_to_five_checks(
    sign_in_from: Any, make_user: Any, second_node: str, service: Any, count_checks: list[str], known: bool
) -> None:
    email = (await make_user()).email if known else "nobody@example.com"
    count_checks.clear()
    urls = (service.url, second_node)
    answers = await asyncio.gather(
        *(sign_in_from(HERE, email, f"wrong {number}", urls[number % 2]) for number in range(50))
    )
    assert len(count_checks) == 5
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 45
    assert {int(answer.headers["Retry-After"]) for answer in answers if answer.status == 429} <= {28, 29, 30}


async def test_redis_holds_no_address(sign_in_from: Any, valkey: ValkeyServer) -> None:
    await sign_in_from(HERE, "secret.person@example.com")
    with redis.Redis.from_url(valkey.url) as client:
        (key,) = client.keys("nexcorp:throttle:*")
        assert b"person" not in key and b"192" not in key
        assert set(client.hgetall(key)) == {b"count", b"free_at"}
        assert 890_000 < client.pttl(key) <= 900_000


async def test_what_came_to_no_check_does_not_count(
    sign_in_from: Any, make_user: Any, monkeypatch: Any
) -> None:
    user = await make_user()

    async def refuse(known: str | None, password: str) -> bool:
        raise Overloaded()

    with monkeypatch.context() as patch:
        patch.setattr(routes, "verify_password", refuse)
        for _ in range(12):
            assert (await sign_in_from(HERE, user.email)).status == 503
    assert (await sign_in_from(HERE, user.email, user.password)).status == 200


async def test_refused_values_do_not_count(sign_in_from: Any, make_user: Any) -> None:
    user = await make_user()
    for _ in range(7):
        assert (await sign_in_from(HERE, user.email, "x" * 200)).status == 422
    assert (await sign_in_from(HERE, user.email, user.password)).status == 200


async def test_without_redis_this_node_keeps_the_rule(
    config: Config, sign_in_from: Any, make_user: Any, tmp_path: Any, count_checks: list[str]
) -> None:
    user = await make_user()
    count_checks.clear()
    runner, app, url = await start_web(replace(config, redis_url="redis://127.0.0.1:1"))
    try:
        answers = await asyncio.gather(*(sign_in_from(HERE, user.email, url=url) for _ in range(20)))
        assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 15
        assert len(count_checks) == 5
        assert (await sign_in_from(HERE, user.email, user.password, url)).status == 429
        assert (await sign_in_from(ELSEWHERE, user.email, user.password, url)).status == 200
        assert app[THROTTLE].scripts.down
    finally:
        await runner.cleanup()


class SlowRedis:
    """Redis behind a slow network: it runs every call, but answers late or not at all."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts, self.late, self.lost = scripts, 0.0, False

    async def run(self, calls: Any) -> Any:
        """Pass the calls on; answer late, or None."""
        answers = await self.scripts.run(calls)
        await asyncio.sleep(self.late)
        return None if self.lost else answers


async def test_a_slow_redis_brings_no_second_budget(config: Config, valkey: ValkeyServer) -> None:
    node, other = Throttle(config), Throttle(config)
    slow, away = SlowRedis(node.scripts), Scripts("redis://127.0.0.1:1", seconds=0.1)
    node.scripts = slow  # type: ignore[assignment]
    try:
        # Redis counted these calls, and the node decided alone: together three of five are used.
        slow.lost = True
        assert [await node.reserve("a", 5) for _ in range(3)] == [0.0] * 3
        slow.lost = False
        waits = await asyncio.gather(*(node.reserve("a", 5) for _ in range(20)))
        assert sum(wait == 0 for wait in waits) == 2
        assert await other.reserve("a", 5) > 29
        # The reverse: calls that Redis let in count for the node when Redis is away.
        assert [await node.reserve("b", 5) for _ in range(3)] == [0.0] * 3
        slow.lost = True
        assert [await node.reserve("b", 5) == 0 for _ in range(4)] == [True, True, False, False]
        # Redis did not get these calls: the node reports them later, and all nodes keep to the limit.
        near, slow.scripts, slow.lost = slow.scripts, away, False
        assert [await node.reserve("c", 5) == 0 for _ in range(6)] == [True] * 5 + [False]
        slow.scripts = near
        assert await node.reserve("c", 5) > 29
        assert await other.reserve("c", 5) > 29
    finally:
        await asyncio.gather(away.close(), slow.scripts.close(), other.close())


async def test_let_in_alone_while_redis_was_asked(config: Config, valkey: ValkeyServer) -> None:
    node = Throttle(config)
    slow = SlowRedis(node.scripts)
    node.scripts = slow  # type: ignore[assignment]
    slow.late = 0.3
    asked = [asyncio.create_task(node.reserve("a", 5)) for _ in range(5)]
    await asyncio.sleep(0)
    alone = [node.local.reserve("a", 5) for _ in range(3)]
    waits = [*alone, *await asyncio.gather(*asked)]
    assert sum(wait == 0 for wait in waits) == 5
    await slow.scripts.close()


async def test_a_good_attempt_elsewhere_is_forgiven_here(config: Config, valkey: ValkeyServer) -> None:
    node, other = Throttle(config), Throttle(config)
    try:
        assert [await node.reserve("a", 5) for _ in range(5)] == [0.0] * 5
        assert await node.reserve("a", 5) > 29
        await other.forgive("a")
        assert [await node.reserve("a", 5) for _ in range(5)] == [0.0] * 5
    finally:
        await node.close()
        await other.close()


def test_the_rule_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now)
    failures, waits = Failures(), []
    for _ in range(4):
        assert failures.reserve("k", 5) == 0
    for _ in range(8):
        assert failures.reserve("k", 5) == 0
        waits.append(failures.reserve("k", 5))
        now += waits[-1]
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    failures.withdraw("k")
    assert failures.reserve("k", 5) == 0
    assert failures.reserve("k", 5) == 900
    now += 1800.1
    assert [failures.reserve("k", 5) for _ in range(5)] == [0] * 5
    failures.forgive("k")
    assert failures.reserve("k", 5) == 0
    for number in range(throttle.MAX_REMEMBERED + 5):
        failures.reserve(str(number), 5)
    assert len(failures._known) == throttle.MAX_REMEMBERED


def test_networks() -> None:
    assert network_of("192.0.2.7") == network_of("::ffff:192.0.2.200") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::") == "2001:db8:1:2::/64"
    assert network_of(None) == ""

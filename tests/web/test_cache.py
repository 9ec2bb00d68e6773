"""The cache on a real Valkey: answers are kept, forgotten, made once, and never waited for."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis

from nexcorp.context import RequestContext, current
from nexcorp.embedded import ValkeyServer
from nexcorp.web.cache import REST_SECONDS, WAIT_SECONDS, Cache


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A Valkey that these tests may kill."""
    found = ValkeyServer(tmp_path_factory.mktemp("cache"))
    found.start()
    yield found
    found.destroy()


@pytest.fixture
async def nodes(server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Cache]]:
    """The caches of two web processes; they wait longer than usual, as Valkey is slow on a busy machine."""
    monkeypatch.setattr("nexcorp.web.cache.WAIT_SECONDS", 10)
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    found = [Cache(server.url), Cache(server.url)]
    yield found
    for cache in found:
        await cache.close()


class Source:
    """The source of answers: counts its calls, and between hold() and `go` answers nobody."""

    def __init__(self) -> None:
        self.asked, self.value = 0, b"one"
        self.began, self.go = asyncio.Event(), asyncio.Event()
        self.go.set()

    def hold(self) -> None:
        self.began.clear()
        self.go.clear()

    async def make(self) -> bytes:
        self.asked += 1
        value = self.value
        self.began.set()
        await self.go.wait()
        return value


async def test_what_is_kept_is_made_once_for_all_nodes(nodes: list[Cache]) -> None:
    source = Source()
    for cache in (*nodes, *nodes):
        assert await cache.load("page", "a", 10, source.make) == b"one"
    assert source.asked == 1
    assert await nodes[0].load("page", "b", 10, source.make) == b"one"
    assert source.asked == 2
    # An answer that is too long is not kept.
    for _ in range(2):
        assert await nodes[0].load("page", "long", 10, source.make, most=2) == b"one"
        assert await nodes[0].load("page", "short", 10, source.make, most=3) == b"one"
    assert source.asked == 5


async def settled(cache: Cache) -> None:
    """Wait until the answers that this cache makes anew are stored."""
    await asyncio.gather(*cache._refreshes.values(), return_exceptions=True)


def half_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Put the clock into the second half of a lifetime; its beginning is kept in milliseconds."""
    moved = time.time() + seconds * 0.6
    monkeypatch.setattr(time, "time", lambda: moved)


async def test_it_ends_by_itself(nodes: list[Cache]) -> None:
    source = Source()
    await nodes[0].load("page", "a", 2, source.make)
    source.value = b"two"
    assert await nodes[0].load("page", "a", 2, source.make) == b"one"
    await asyncio.sleep(2.1)
    assert await nodes[0].load("page", "a", 2, source.make) == b"two"


async def test_in_its_second_half_it_is_made_anew_and_nobody_waits(
    nodes: list[Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source()
    await nodes[0].load("page", "a", 60, source.make)
    source.value = b"two"
    source.hold()
    half_pass(monkeypatch, 60)
    assert {await nodes[0].load("page", "a", 60, source.make) for _ in range(5)} == {b"one"}
    await source.began.wait()
    source.go.set()
    await settled(nodes[0])
    assert await nodes[1].load("page", "a", 60, source.make) == b"two"
    assert source.asked == 2


async def test_what_is_made_anew_over_a_change_is_not_kept(
    nodes: list[Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source()
    await nodes[0].load("page", "a", 60, source.make)
    source.hold()
    half_pass(monkeypatch, 60)
    assert await nodes[0].load("page", "a", 60, source.make) == b"one"
    await source.began.wait()
    source.value = b"two"
    await nodes[0].forget("page")
    source.go.set()
    await settled(nodes[0])
    assert await nodes[1].load("page", "a", 60, source.make) == b"two"


async def test_a_refresh_that_fails_leaves_what_is_kept(
    nodes: list[Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source()
    await nodes[0].load("page", "a", 60, source.make)
    half_pass(monkeypatch, 60)

    async def fail() -> bytes:
        raise LookupError

    assert await nodes[0].load("page", "a", 60, fail) == b"one"
    await settled(nodes[0])
    assert await nodes[0].load("page", "a", 60, source.make) == b"one"


async def test_one_node_forgets_for_all(nodes: list[Cache]) -> None:
    source, other = Source(), Source()
    for cache in nodes:
        await cache.load("page", "a", 10, source.make)
        await cache.load("else", "a", 10, other.make)
    source.value = b"two"
    await nodes[1].forget("page")
    for cache in nodes:
        assert await cache.load("page", "a", 10, source.make) == b"two"
        await cache.load("else", "a", 10, other.make)
    assert (source.asked, other.asked) == (2, 1)


@pytest.mark.parametrize("where", [0, 1])
async def test_what_was_read_before_a_change_is_not_kept_after_it(nodes: list[Cache], where: int) -> None:
    source = Source()
    source.hold()
    old = asyncio.create_task(nodes[0].load("page", "a", 10, source.make))
    await source.began.wait()
    source.value = b"two"
    await nodes[where].forget("page")
    source.go.set()
    if where == 0:
        # A new caller does not join a load that began before the change.
        assert await nodes[0].load("page", "a", 10, source.make) == b"two"
    assert await old == b"one"
    for cache in nodes:
        assert await cache.load("page", "a", 10, source.make) == b"two"
    assert source.asked == 2


async def test_fifty_who_ask_at_once_are_one_question(nodes: list[Cache]) -> None:
    source = Source()
    source.hold()
    asked = [asyncio.create_task(nodes[0].load("page", "a", 10, source.make)) for _ in range(50)]
    await source.began.wait()
    source.go.set()
    assert set(await asyncio.gather(*asked)) == {b"one"}
    assert source.asked == 1


async def test_who_goes_away_does_not_end_it_for_the_others(nodes: list[Cache]) -> None:
    source = Source()
    source.hold()
    first, second = (asyncio.create_task(nodes[0].load("page", "a", 10, source.make)) for _ in range(2))
    await source.began.wait()
    first.cancel()
    source.go.set()
    assert await second == b"one"
    assert source.asked == 1


async def test_an_error_reaches_everybody_and_is_not_kept(nodes: list[Cache]) -> None:
    async def fail() -> bytes:
        await asyncio.sleep(0.05)
        raise ValueError("no answer")

    asked = (nodes[0].load("page", "a", 10, fail) for _ in range(3))
    found: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(error, ValueError) for error in found)
    assert await nodes[0].load("page", "a", 10, Source().make) == b"one"


async def test_redis_that_died_is_found_again(nodes: list[Cache], server: ValkeyServer) -> None:
    source = Source()
    await nodes[0].load("page", "a", 10, source.make)
    server.kill()
    began = time.monotonic()
    for number in range(200):
        source.value = b"%d" % number
        assert await nodes[0].load("page", "a", 10, source.make) == source.value
        await nodes[0].forget("page")
    assert time.monotonic() - began < 200 * WAIT_SECONDS / 4
    server.start()
    await asyncio.sleep(REST_SECONDS + 0.2)
    asked = source.asked
    for _ in range(20):
        await nodes[0].load("page", "c", 10, source.make)
        await asyncio.sleep(0.1)
    assert source.asked < asked + 20


async def test_redis_that_hangs_costs_little(nodes: list[Cache], monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    pid = int((await nodes[0].client.info("server"))["process_id"])
    await nodes[0].load("page", "a", 10, source.make)
    monkeypatch.setattr("nexcorp.web.cache.WAIT_SECONDS", WAIT_SECONDS)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for _ in range(100):
            assert await nodes[0].load("page", "a", 10, source.make) == b"one"
        assert time.monotonic() - began < 100 * WAIT_SECONDS / 2
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_what_all_share_counts_for_none_of_them(nodes: list[Cache]) -> None:
    async def make() -> bytes:
        return repr(current.get()).encode()

    token = current.set(RequestContext("mine", "192.0.2.1"))
    assert await nodes[0].load("page", "shared", 10, make) == b"None"
    current.reset(token)

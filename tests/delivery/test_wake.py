"""The waker: few wakes for many commits, no wake that delays anybody, and none that stays queued for ever."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from uuid import uuid4

import pytest

from nexcorp.delivery import emit, wake
from nexcorp.delivery.effects import WAKE, Job
from nexcorp.delivery.wake import Waker, make_queue
from nexcorp.embedded import ValkeyServer
from nexcorp.features import PRODUCT
from nexcorp.redis_client import connect
from tests.clients import PATIENCE
from tests.conftest import wait_until


@pytest.fixture
async def waker(config):
    client = connect(config.redis_url, blocking=True)
    waker = Waker(make_queue(client), PRODUCT.job_seconds)
    running = asyncio.create_task(waker.run())
    yield waker
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await client.aclose()


async def count(waker):
    return await waker.queue.count("queued")


async def test_burst_of_commits_makes_few_wakes(waker):
    for _ in range(100):
        waker.ask()

    async def asked() -> int:
        return await count(waker)

    await wait_until(asked)
    for _ in range(100):
        waker.ask()
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    assert 1 <= await count(waker) <= 4


async def test_wake_follows_every_quiet_commit(waker):
    for _ in range(3):
        before = waker._count
        waker.ask()

        async def went(before: int = before) -> bool:
            return waker._count > before

        await wait_until(went)
        job = await waker.queue.dequeue(timeout=PATIENCE)
        assert (job.function, job.retries >= 5, job.timeout > 0) == ("deliver", True, True)
        await job.finish("complete")


async def test_wakes_do_not_pile_up_while_no_worker_runs(waker, monkeypatch):
    monkeypatch.setattr(wake, "SPACING_SECONDS", 0.0)
    for _ in range(200):
        before = waker._count
        waker.ask()
        async with asyncio.timeout(20):
            while waker._count == before:  # noqa: ASYNC110 - the next commit comes at once
                await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    assert await count(waker) <= wake.MAX_QUEUED < 20


async def test_waker_outlives_redis(config, tmp_path, monkeypatch):
    monkeypatch.setattr(wake, "REST_SECONDS", 0.1)
    server = ValkeyServer(tmp_path)
    server.start()
    client = connect(replace(config, redis_url=server.url).redis_url, blocking=True)
    waker = Waker(make_queue(client), PRODUCT.job_seconds)
    running = asyncio.create_task(waker.run())
    try:
        waker.ask()

        async def one() -> bool:
            return await count(waker) == 1

        await wait_until(one)
        server.kill()
        began = time.monotonic()
        waker.ask()
        assert time.monotonic() - began < 0.5
        await asyncio.sleep(0.5)
        assert not running.done()
        server.start()

        async def two() -> bool:
            waker.ask()
            try:
                return await count(waker) >= 2
            except Exception as error:
                assert "redis" in type(error).__module__ or isinstance(error, OSError)
                return False

        await wait_until(two)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await client.aclose()
        server.destroy()


async def test_wake_is_asked_for_after_the_commit_only(database):
    asked = []
    database.perform = asked.append
    entity = ("user", uuid4())
    async with database.transaction(wait=5) as conn:
        await emit(conn, "user.unfollowed", actor_id=None, entity=entity, payload={})
        assert asked == []
    assert asked == [WAKE]
    with pytest.raises(LookupError):
        async with database.transaction(wait=5) as conn:
            await emit(conn, "user.unfollowed", actor_id=None, entity=entity, payload={})
            raise LookupError
    async with database.transaction(wait=5) as conn:
        await conn.execute("SELECT 1")
    assert asked == [WAKE]


async def test_a_job_that_no_feature_brings_is_refused_and_keeps_no_other_waiting(waker):
    with pytest.raises(KeyError, match="polish_medals"):
        waker.perform(Job("polish_medals"))
    waker.perform(WAKE)

    async def queued() -> bool:
        return await count(waker) == 1

    await wait_until(queued)

"""The service on a Valkey cluster: rooms, files, limits, jobs, cached answers; and a killed master."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import redis
from saq import Status

from nexcorp.config import Config
from nexcorp.delivery.wake import enqueue_job, make_queue
from nexcorp.embedded import ValkeyServer
from nexcorp.realtime.bus import ROOM_CHANNEL
from nexcorp.realtime.metrics import RECOVERED
from nexcorp.realtime.node import NODE
from nexcorp.redis_client import Failover, connect
from nexcorp.redis_places import lane_of
from nexcorp.security.app_keys import CALLER
from nexcorp.security.throttle import Throttle
from nexcorp.web.cache import Cache
from nexcorp.web.reading import Reads
from tests.api import API, publish
from tests.collab.clients import share_file
from tests.collab.conftest import keep_open
from tests.conftest import make_config, start_web, wait_until
from tests.realtime.helpers import create_post, edit_post, read_seqs, subscribe
from tests.valkeys import ValkeyCluster, read_state

pytestmark = pytest.mark.long(20)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    """A cluster for all tests of the module; the last test kills one of its masters."""
    found = ValkeyCluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield found
    finally:
        found.destroy()


@pytest.fixture
def own_config(database_url: str, valkey: ValkeyServer, tmp_path: Path, cluster: ValkeyCluster) -> Config:
    """The settings of a service on the cluster, after emptying it."""
    cluster.flush()
    return replace(make_config(database_url, valkey.url, tmp_path / "home"), redis_url=cluster.url)


async def test_who_wrote_is_known_on_every_master(
    config: Config, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASK_SECONDS", "NOTE_SECONDS"):
        monkeypatch.setattr(f"nexcorp.web.reading.{name}", 5.0)
    here, there = (Reads(config, service.db, lambda: True) for _ in range(2))
    left = Failover.left
    try:
        for reads in (here, there):
            # The primary stands in for a replica that has replayed nothing yet.
            reads.replica._database, reads.replica.problem = service.db, None
        people = [{CALLER: SimpleNamespace(id=uuid4())} for _ in range(20)]
        for who in people:
            assert await there._find_reason(who) is None
            await here._note(who)
            assert await there._find_reason(who) == "written"
    finally:
        await asyncio.gather(here.stop(), there.stop())
    assert Failover.left == left


async def run_job(config: Config, name: str) -> Any:
    """Enqueue a job and wait until a worker has run it; return the job."""
    client = connect(config.redis_url, blocking=True)
    try:
        queue = make_queue(client)
        await enqueue_job(queue, name, key="asked-for-by-a-test")
        key = f"{client.tag}asked-for-by-a-test"

        async def ended() -> Any:
            job = await queue.job(key)
            return job if job is not None and job.status in (Status.COMPLETE, Status.FAILED) else None

        return await wait_until(ended)
    finally:
        await client.aclose()


async def test_rooms_and_files_are_heard_where_they_are_open(
    make_user: Any, service: Any, connect: Any, client: Any, cluster: ValkeyCluster
) -> None:
    runner, app, other = await start_web(service.config)
    node, told = app[NODE], []
    receive = node.receive
    for listener in node.listener.listeners:
        listener.on_message = lambda message: (told.append(message.room), receive(message))

    async def listens() -> bool:
        return bool(service.app[NODE].listener.connected and node.listener.connected)

    recovered = RECOVERED._value.get()
    try:
        await wait_until(listens)
        ada, grace = await make_user(), await make_user()
        await grace.client.put(f"{API}/users/{ada.id}/follow")
        posts = [await create_post(ada) for _ in range(6)]
        here, there = await connect(ada), await connect(grace, url=other)
        for post in posts:
            await subscribe(here, f"post:{post}")
        for post in posts[:2]:
            await subscribe(there, f"post:{post}")
        await subscribe(there, "feed")
        for post in posts:
            await edit_post(service.db, post, ada.id)
            for live in (here, there) if post in posts[:2] else (here,):
                assert await read_seqs(live, f"post:{post}", 1) == [1]
        # Of rooms without a member here, a node receives only those that the feed collects.
        shown = await publish(ada, "for those who follow")
        assert (await there.next("post:created"))["data"]["id"] == shown["id"]
        assert {f"post:{post}" for post in posts[:2]} <= set(told)
        assert not {f"post:{post}" for post in posts[2:]} & set(told)
        # Workers list only rooms with members; the names are spread over several lanes.
        heard = await node.publisher.list_heard({f"post:{post}" for post in posts} | {"post:nobody", "feed"})
        assert heard == {*(f"post:{post}" for post in posts), "feed"}
        assert len({lane_of(name) for name in heard}) > 1

        file_id = await share_file(service.db, owner=[ada], editor=[grace])
        async with keep_open(service, client) as open_file:
            mine, theirs = await open_file(ada, file_id), await open_file(grace, file_id, url=other)
            await mine.type("on a cluster")
            await theirs.shows("on a cluster")
            await theirs.type("!")
            await mine.shows("on a cluster!")
    finally:
        await runner.cleanup()
    assert RECOVERED._value.get() == recovered
    for number in range(4):
        # No PUBLISH was used: it would go to every node of the cluster.
        assert read_state(cluster.servers[number]).get("stats_messages_publish_sent", "0") == "0"


async def test_limits_jobs_and_kept_answers_count_for_all_nodes(config: Config, service: Any) -> None:
    here, there = Throttle(config), Throttle(config)
    try:
        keys = [f"nexcorp:throttle:{number}" for number in range(20)]
        assert await asyncio.gather(*(here.reserve(key, 2) for key in keys)) == [0.0] * 20
        assert await asyncio.gather(*(there.reserve(key, 2) for key in keys)) == [0.0] * 20
        assert min(await asyncio.gather(*(here.reserve(key, 2) for key in keys))) > 29
        assert not here.scripts.down
        assert not there.scripts.down
    finally:
        await asyncio.gather(here.close(), there.close())

    job = await run_job(config, "deliver")
    assert job.status == Status.COMPLETE

    caches, made = (Cache(config.redis_url), Cache(config.redis_url)), []

    async def make() -> bytes:
        made.append(1)
        return b"made %d" % len(made)

    try:
        # On a first call, connecting may take longer than the cache waits.
        await asyncio.gather(*(cache.client.ping() for cache in caches))
        assert await caches[0].load("group", "key", 60, make, "other") == b"made 1"
        assert await caches[1].load("group", "key", 60, make, "other") == b"made 1"
        await caches[1].forget("other", "more")
        assert await caches[0].load("group", "key", 60, make, "other") == b"made 2"
    finally:
        for cache in caches:
            await cache.close()


async def test_a_killed_master_is_replaced_and_nothing_is_lost(
    make_user: Any, service: Any, connect: Any, second_node: str, cluster: ValkeyCluster
) -> None:
    ada = await make_user()
    posts = [await create_post(ada) for _ in range(8)]
    # At least one of the rooms must be in the lanes of the master that is killed.
    while not any(lane_of(f"post:{post}") < 5 for post in posts):
        posts[0] = await create_post(ada)
    here, there = await connect(ada), await connect(ada, url=second_node)
    for live in (here, there):
        for post in posts:
            await subscribe(live, f"post:{post}")
    node = service.app[NODE]
    killed, rounds = cluster.servers[0], 0
    seen: dict[tuple[int, str], list[int]] = defaultdict(list)

    async def read(number: int, live: Any) -> None:
        while True:
            frame = await live.next("post:updated", seconds=60)
            seen[number, frame["room"]].append(frame["seq"])

    reading = [asyncio.create_task(read(number, live)) for number, live in enumerate((here, there))]
    try:
        began = time.monotonic()
        while time.monotonic() - began < 6:
            rounds += 1
            for post in posts:
                await edit_post(service.db, post, ada.id)
            if rounds == 5:
                killed.kill()
            await asyncio.sleep(0.2)

        async def complete() -> bool:
            return len(seen) == 16 and all(len(seqs) >= rounds for seqs in seen.values())

        await wait_until(complete)
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    # Each frame came once and in order on both nodes.
    assert all(seqs == list(range(1, rounds + 1)) for seqs in seen.values())

    async def whole() -> bool:
        return bool(node.listener.connected and await node.publisher.list_heard({f"post:{posts[0]}"}))

    await wait_until(whole)
    assert cluster.servers[3].port in {
        info["port"] for info in cluster.count("replication") if info["role"] == "master"
    }
    # All jobs are in the part whose master was killed.
    job = await run_job(service.config, "deliver")
    assert job.status == Status.COMPLETE

    # The old master takes over again; the one demoted lives on, and must lose its subscriptions.
    rooms = {f"post:{post}" for post in posts}
    name = next(name for name in rooms if lane_of(name) < 5)
    await asyncio.to_thread(cluster.hand_over, 3, 0)

    async def follows() -> bool:
        client = node.publisher.client.find(name)
        with redis.Redis.from_url(killed.url) as direct:
            [(_, count)] = direct.pubsub_shardnumsub(client.tag + ROOM_CHANNEL + name)
        return bool(count == 2 and await node.publisher.list_heard(rooms) == rooms)

    await wait_until(follows)

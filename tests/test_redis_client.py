"""A failover behind one address that keeps connections open: clients find the new master by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from nexcorp.background import end_tasks
from nexcorp.embedded import ValkeyServer
from nexcorp.realtime.bus import FRAMES_CHANNEL, Listener
from nexcorp.redis_client import REFUSED, connect
from tests.chaos.proxy import Proxy


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[ValkeyServer]]:
    servers = [ValkeyServer(tmp_path / name) for name in ("old", "new")]
    for server in servers:
        server.start()
        with redis.Redis.from_url(server.url) as direct:
            # Both servers accept the same password.
            direct.config_set("requirepass", "same")
    yield servers
    for server in servers:
        server.destroy()


async def test_what_has_become_a_replica_is_left(pair: list[ValkeyServer]) -> None:
    old, new = pair
    proxy = Proxy("redis", old.port)
    await proxy.start()
    old_url, new_url, url = (f"redis://:same@127.0.0.1:{port}" for port in (old.port, new.port, proxy.port))
    writer, patient, pusher = connect(url), connect(url, blocking=True), connect(url)
    try:
        for client in (writer, patient, pusher):
            assert await client.ping()
        proxy.target = new.port
        with redis.Redis.from_url(old_url) as direct:
            direct.replicaof("127.0.0.1", 1)
        refused = REFUSED.labels("readonly")._value.get()
        assert await writer.set("a", "1")
        assert REFUSED.labels("readonly")._value.get() == refused + 1
        # The other clients reconnect too, although their connections refused no write.
        assert await patient.lpush("b", "1") == 1
        async with pusher.pipeline(transaction=False) as pipe:
            pipe.publish("d", "1")
            pipe.incr("e")
            assert await pipe.execute() == [0, 1]
        with redis.Redis.from_url(new_url) as direct:
            assert {key.decode() for key in direct.scan_iter()} == {"a", "b", "e"}
    finally:
        for client in (writer, patient, pusher):
            await client.aclose()
        await proxy.close()


async def test_a_subscription_follows(pair: list[ValkeyServer]) -> None:
    old, new = pair
    proxy = Proxy("redis", old.port)
    await proxy.start()
    url = f"redis://:same@127.0.0.1:{proxy.port}"
    writer, client, connected = connect(url), connect(url, blocking=True), asyncio.Queue[None]()

    def ignore(message: object) -> None:
        """Do nothing: the test pushes no message."""

    listener = Listener(
        client,
        rooms=(),
        on_message=ignore,
        on_revoked=ignore,
        on_connected=lambda: connected.put_nowait(None),
        on_late=ignore,
    )
    listening = asyncio.create_task(listener.run())
    try:
        await asyncio.wait_for(connected.get(), 20)
        assert await writer.ping()
        proxy.target = new.port
        with redis.Redis.from_url(f"redis://:same@127.0.0.1:{old.port}") as direct:
            direct.replicaof("127.0.0.1", 1)
        assert await writer.set("a", "1")
        await asyncio.wait_for(connected.get(), 20)
        with redis.Redis.from_url(f"redis://:same@127.0.0.1:{new.port}") as direct:
            assert direct.pubsub_numsub(FRAMES_CHANNEL) == [(FRAMES_CHANNEL.encode(), 1)]
    finally:
        await end_tasks([listening])
        for one in (writer, client):
            await one.aclose()
        await proxy.close()


async def test_other_refusals_are_counted(pair: list[ValkeyServer]) -> None:
    client = connect(f"redis://:same@127.0.0.1:{pair[0].port}")
    try:
        await client.config_set("maxmemory", "1")
        before = REFUSED.labels("oom")._value.get()
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            await client.set("a", "1")
        assert REFUSED.labels("oom")._value.get() == before + 1
    finally:
        await client.aclose()

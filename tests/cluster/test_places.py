"""Addresses of Redis: clusters, Sentinels that replace a master, and TLS certificates."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from nexcorp.background import end_tasks
from nexcorp.embedded import ValkeyServer
from nexcorp.embedded.process import end_process
from nexcorp.realtime.bus import FRAMES_CHANNEL, Listener
from nexcorp.redis_client import connect
from nexcorp.redis_places import LANES, SLOTS, list_tags, slot_of
from nexcorp.redis_url import RedisUrl, parse_url
from tests.chaos.cluster import choose_ports
from tests.conftest import wait_until
from tests.valkeys import PASSWORD, make_certificate, serve_tls, start_sentinel, start_servers, wait_for

ONE = "redis://me:p%40ss@one:7000"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("redis://me:pw@host:7000/3", RedisUrl("redis://me:pw@host:7000/3")),
        ("unix:///tmp/valkey.sock?db=1", RedisUrl("unix:///tmp/valkey.sock?db=1")),
        ("redis://host?cluster=false", RedisUrl("redis://host")),
        (f"{ONE}?cluster=true", RedisUrl(f"{ONE}/0", (("one", 7000),))),
        (
            f"{ONE},[::1]:7001,three/0?ssl_cert_reqs=none",
            RedisUrl(f"{ONE}/0?ssl_cert_reqs=none", (("one", 7000), ("::1", 7001), ("three", 6379))),
        ),
        (
            "rediss+sentinel://:pw@one,two:5000/main/2?sentinel_password=other",
            RedisUrl(
                "rediss://:pw@one:26379/2",
                (("one", 26379), ("two", 5000)),
                "main",
                (("password", "other"),),
            ),
        ),
    ],
)
def test_addresses(text: str, found: RedisUrl) -> None:
    assert parse_url(text) == found
    assert found.clustered == ("one:7000" in text)


@pytest.mark.parametrize(
    "text",
    [
        "http://:secret@host",
        "redis://:secret@host:99999",
        "redis://:secret@one:7000,two:x",
        "redis://:secret@one,two/1",
        "redis://:secret@one,/0",
        "redis://:secret@host?cluster=maybe",
        "redis+sentinel://:secret@one,two",
        "redis+sentinel://:secret@one/main/x",
        "unix://:secret@/tmp/valkey.sock?cluster=true",
    ],
)
def test_what_is_no_address_is_not_quoted(text: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_url(text)
    assert "secret" not in str(raised.value)


def test_lanes_are_spread_evenly() -> None:
    slots = [slot_of(tag) for tag in list_tags()]
    # CLUSTER KEYSLOT gives this number.
    assert (slot_of("123456789"), slots) == (12739, sorted(slots))
    for masters in (2, 4, 8, 16):
        parts = Counter(slot * masters // SLOTS for slot in slots)
        assert set(parts.values()) == {LANES // masters}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[ValkeyServer]]:
    """Yield a master and its replica."""
    servers = start_servers(tmp_path, 2)
    try:
        with redis.Redis.from_url(servers[1].url) as client:
            client.replicaof("127.0.0.1", servers[0].port)
            wait_for(lambda: client.info("replication")["master_link_status"] == "up")
        yield servers
    finally:
        for server in servers:
            server.destroy()


async def test_the_master_that_sentinels_choose_is_found(pair: list[ValkeyServer], tmp_path: Path) -> None:
    dead, port = choose_ports(2)
    sentinel = start_sentinel(tmp_path / "sentinel", pair[0], port)
    # No Sentinel listens at the first address.
    url = f"redis+sentinel://:{PASSWORD}@127.0.0.1:{dead},127.0.0.1:{port}/main"
    client, connected = connect(url), asyncio.Queue[None]()

    def ignore(message: object) -> None:
        """Do nothing: the test pushes no message."""

    listener = Listener(
        connect(url, blocking=True),
        rooms=(),
        on_message=ignore,
        on_revoked=ignore,
        on_connected=lambda: connected.put_nowait(None),
        on_late=ignore,
    )

    async def kept(name: str) -> bool:
        try:
            return bool(await client.set(name, "1"))
        except (redis.RedisError, OSError):
            return False

    try:
        await wait_until(lambda: kept("before"))
        with redis.Redis.from_url(f"redis://127.0.0.1:{port}") as direct:
            await asyncio.to_thread(wait_for, lambda: direct.sentinel_master("main")["num-slaves"] == 1)
        listening = asyncio.create_task(listener.run())
        await asyncio.wait_for(connected.get(), 20)
        pair[0].kill()
        await wait_until(lambda: kept("after"), 30)
        await asyncio.wait_for(connected.get(), 30)
        with redis.Redis.from_url(pair[1].url) as direct:
            assert {key.decode() for key in direct.scan_iter()} == {"before", "after"}
            assert direct.pubsub_numsub(FRAMES_CHANNEL) == [(FRAMES_CHANNEL.encode(), 1)]
        await end_tasks([listening])
    finally:
        end_process(sentinel, signal.SIGTERM, 5)
        for one in (client, listener.client):
            await one.aclose()


async def test_a_certificate_is_checked(valkey: ValkeyServer, tmp_path: Path) -> None:
    file, context = make_certificate(tmp_path)
    assert valkey.port is not None
    server = await serve_tls(context, valkey.port)
    address = valkey.url.replace("redis://", "rediss://")
    address = address.replace(f":{valkey.port}/", f":{server.sockets[0].getsockname()[1]}/")
    known, unknown = connect(f"{address}?ssl_ca_certs={file}"), connect(address)
    try:
        assert await known.set("over", "TLS")
        with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            await unknown.ping()
    finally:
        for client in (known, unknown):
            await client.aclose()
        server.close()
        await server.wait_closed()

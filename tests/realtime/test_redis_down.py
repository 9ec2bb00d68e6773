"""Redis goes away and comes back: sockets stay open, frames arrive, sessions end."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace

import pytest
import redis.asyncio as redis

from nexcorp.realtime.bus import FRAMES_CHANNEL, REST_SECONDS, ROOM_CHANNEL, Publisher
from nexcorp.realtime.node import NODE
from nexcorp.redis_client import connect as connect_redis
from tests.conftest import wait_until
from tests.realtime.helpers import ask, closed, create_post, edit_post, read_seqs, subscribe

pytestmark = pytest.mark.long(2)


@pytest.fixture
def config(config, own_valkey):
    """The service's settings with the test's own Valkey."""
    return replace(config, redis_url=own_valkey.url)


async def test_frames_arrive_without_redis_and_faster_again_with_it(
    make_user, connect, service, second_node, own_valkey
):
    ada = await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    lives = [await connect(ada), await connect(ada, url=second_node)]
    for live in lives:
        await subscribe(live, room)
    await edit_post(service.db, post, ada.id)
    for live in lives:
        assert await read_seqs(live, room, 1) == [1]
    node = service.app[NODE]

    own_valkey.kill()
    began = time.monotonic()
    await edit_post(service.db, post, ada.id, 2)
    for live in lives:
        assert await read_seqs(live, room, 2) == [2, 3]
    # Workers look after 500 ms, nodes after 5 s, and a slow machine needs more.
    assert time.monotonic() - began < 8

    own_valkey.start()

    async with redis.Redis.from_url(own_valkey.url) as asking:

        async def listening() -> bool:
            return dict(await asking.pubsub_numsub(FRAMES_CHANNEL)) == {FRAMES_CHANNEL.encode(): 2}

        await wait_until(listening)
    # From here on no position check helps: frames must be pushed again.
    node.positions.seconds = 3600
    node.positions.check_soon()
    await asyncio.sleep(REST_SECONDS)
    for seq in (4, 5, 6):
        await edit_post(service.db, post, ada.id)
        assert await read_seqs(lives[0], room, 1) == [seq]
    assert await read_seqs(lives[1], room, 3) == [4, 5, 6]


async def test_delivery_does_not_wait_for_redis(make_user, service, own_valkey):
    """Without Redis the workers' own poll delivers, and failing pushes do not delay it."""
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    own_valkey.kill()
    for number in range(3):
        began = time.monotonic()
        comment = {"postId": str(post), "body": f"comment {number}"}
        assert (await grace.client.post("/api/v1/comments", json=comment)).status == 201
        assert time.monotonic() - began < 4

        async def told(count: int = number + 1) -> bool:
            answer = await (await ada.client.get("/api/v1/notifications/unread-count")).json()
            return answer["count"] == count

        await wait_until(told)
        assert time.monotonic() - began < 5


async def test_hanging_redis_holds_up_neither_writes_nor_delivery(make_user, connect, service, own_valkey):
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    live = await connect(ada)
    # Connected before the comments, so that it starts at the beginning of its room.
    await live.next("unread-count")
    service.app[NODE].positions.seconds = 1.0
    service.app[NODE].positions.check_soon()
    own_valkey.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        for number in range(5):
            comment = {"postId": str(post), "body": f"comment {number}"}
            sent = time.monotonic()
            assert (await grace.client.post("/api/v1/comments", json=comment)).status == 201
            assert time.monotonic() - sent < 3
        shown = [(await live.next("notification:created", 12))["seq"] for _ in range(5)]
        assert shown == [1, 2, 3, 4, 5]
        assert time.monotonic() - began < 12
    finally:
        own_valkey.process.send_signal(signal.SIGCONT)


async def test_ended_session_loses_its_sockets_on_other_nodes(
    make_user, connect, service, second_node, own_valkey, client
):
    ada, grace = await make_user(), await make_user()
    for redis_is_up in (True, False):
        other = await client.session.post(
            service.url + "/api/v1/auth/login",
            json={"email": ada.email, "password": ada.password, "platform": "cli"},
        )
        token = (await other.json())["accessToken"]
        ending = replace(ada, headers={"Authorization": f"Bearer {token}"}, token=token)
        sockets = [await connect(ending), await connect(ending)]
        staying = [await connect(ada), await connect(grace)]
        if not redis_is_up:
            own_valkey.kill()
        began = time.monotonic()
        async with client.session.post(second_node + "/api/v1/auth/logout", headers=ending.headers) as answer:
            assert answer.status == 204
        for live in sockets:
            assert await closed(live) == (4503, "session revoked")
        assert time.monotonic() - began < (4 if redis_is_up else 7)
        for live in staying:
            assert (await ask(live, "ping"))["event"] == "pong"
        async with client.session.get(service.url + "/api/v1/auth/me", headers=ending.headers) as answer:
            assert answer.status == 401


async def test_a_restart_of_redis_costs_no_push(own_valkey):
    """Each process has an old connection, on which its next push would be lost."""
    publisher = Publisher(connect_redis(own_valkey.url))
    async with redis.Redis.from_url(own_valkey.url) as listener, listener.pubsub() as subscription:
        assert await publisher.list_heard({"post:1"}) == set()
        own_valkey.kill()
        own_valkey.start()
        await subscription.subscribe(ROOM_CHANNEL + "post:1")
        await subscription.get_message(timeout=5)
        assert await publisher.list_heard({"post:1"}) == {"post:1"}
    await publisher.client.aclose()


async def test_service_starts_and_greets_without_redis(make_user, connect, service, own_valkey, web_only):
    ada = await make_user()
    own_valkey.kill()
    runner, _, url = await web_only()
    try:
        live = await connect(ada, url=url)
        assert (await live.next())["event"] == "connected"
        assert (await ask(live, "ping"))["event"] == "pong"
        await live.ws.close()
    finally:
        await runner.cleanup()

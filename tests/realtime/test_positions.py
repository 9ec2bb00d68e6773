"""Frames that Redis loses are read from PostgreSQL, in order and once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from nexcorp.db import sql
from nexcorp.realtime import bus
from nexcorp.realtime.node import NODE
from tests.conftest import wait_until
from tests.realtime.helpers import (
    ask,
    closed,
    create_post,
    edit_post,
    open_raw,
    read_seqs,
    store_frames,
    subscribe,
)


@pytest.fixture
def lossy(monkeypatch):
    """While `lossy.on` is True, frames that workers push are dropped."""
    push, state = bus.Publisher.publish, SimpleNamespace(on=True)

    async def drop(self, payloads):
        if not (state.on and payloads and payloads[0][0] == bus.FRAMES_CHANNEL):
            await push(self, payloads)

    monkeypatch.setattr(bus.Publisher, "publish", drop)
    return state


async def watch_post(make_user, connect):
    ada = await make_user()
    post = await create_post(ada)
    live = await connect(ada)
    await subscribe(live, f"post:{post}")
    return ada, post, live


async def reach(service, room: str, seq: int) -> None:
    """Wait until a worker has numbered the room up to `seq`."""

    async def numbered() -> bool:
        async with service.db.connection(wait=5) as conn:
            row = await sql.realtime.get_room(conn, name=room)
        return row is not None and row["last_seq"] == seq

    await wait_until(numbered)


async def test_lost_messages_are_found_by_the_check(make_user, connect, service, lossy):
    ada, post, live = await watch_post(make_user, connect)
    grace = await make_user()
    service.app[NODE].positions.seconds = 0.3
    service.app[NODE].positions.check_soon()
    await edit_post(service.db, post, ada.id, 3)
    assert await read_seqs(live, f"post:{post}", 3) == [1, 2, 3]
    # The unread count comes with the missed frame of the user's own room.
    await grace.client.put(f"/api/v1/posts/{post}/like")
    assert (await live.next("notification:created"))["data"]["type"] == "like"
    assert (await live.next("unread-count"))["data"] == {"count": 1}


async def test_gap_is_closed_at_once(make_user, connect, service, monkeypatch, lossy):
    ada, post, live = await watch_post(make_user, connect)
    node = service.app[NODE]

    async def no_check() -> None:
        raise AssertionError("the gap has to be seen without the check")

    monkeypatch.setattr(node.positions, "check", no_check)
    node.positions.seconds = 3600
    await edit_post(service.db, post, ada.id, 2)
    await reach(service, f"post:{post}", 2)
    lossy.on = False
    await edit_post(service.db, post, ada.id)
    assert await read_seqs(live, f"post:{post}", 3) == [1, 2, 3]


async def test_messages_may_come_twice_and_in_any_order(make_user, connect, service, monkeypatch):
    ada, post, live = await watch_post(make_user, connect)
    node, held = service.app[NODE], []
    monkeypatch.setattr(node.listener, "on_message", held.append)
    for number in range(4):
        await edit_post(service.db, post, ada.id)
        await reach(service, f"post:{post}", number + 1)

    async def pushed() -> bool:
        return sum(message.room == f"post:{post}" for message in held) == 4

    await wait_until(pushed)
    for message in [*reversed(held), *held, *held]:
        node.hub.receive(message)
    assert await read_seqs(live, f"post:{post}", 4) == [1, 2, 3, 4]
    await live.nothing("post:updated", 0.5)


async def test_room_too_far_behind_must_start_anew(make_user, connect, service):
    ada, post, live = await watch_post(make_user, connect)
    other = await connect(ada)
    await store_frames(service.db, f"post:{post}", 501)
    await service.app[NODE].positions.check()
    service.app[NODE].positions.check_soon()
    assert await closed(live) == (4010, "too far behind")
    assert (await ask(other, "ping"))["event"] == "pong"
    again = await connect(ada)
    assert (await subscribe(again, f"post:{post}"))["seq"] == 501


async def test_500_behind_are_made_up_for(make_user, connect, service):
    _, post, live = await watch_post(make_user, connect)
    await store_frames(service.db, f"post:{post}", 500)
    service.app[NODE].positions.check_soon()
    assert await read_seqs(live, f"post:{post}", 500) == list(range(1, 501))


async def test_ack_of_a_frame_that_redis_lost_counts(make_user, connect, service):
    """A client that joins later may acknowledge more frames than the node has broadcast."""
    ada, post, live = await watch_post(make_user, connect)
    room = f"post:{post}"
    positions, checked = service.app[NODE].positions, asyncio.Event()
    check = positions.check

    async def check_once() -> None:
        await check()
        checked.set()

    # The next check is the last one.
    positions.seconds, positions.check = 3600, check_once
    positions.check_soon()
    await checked.wait()
    await store_frames(service.db, room, 3)
    late = await connect(ada)
    epoch = service.app[NODE].positions.epoch
    assert (await subscribe(late, room, epoch=epoch, seq=0))["recovered"]
    assert await read_seqs(late, room, 3) == [1, 2, 3]
    assert (await ask(late, "ack", {"room": room, "seq": 3}))["event"] == "acknowledged"
    assert (await ask(live, "ack", {"room": room, "seq": 3}))["data"]["code"] == "validation_failed"


@pytest.mark.parametrize(
    "restore",
    [
        "CREATE TABLE kept AS TABLE rooms; DROP TABLE rooms CASCADE; ALTER TABLE kept RENAME TO rooms",
        "TRUNCATE rooms CASCADE",
    ],
)
async def test_a_backup_restored_into_the_same_cluster_has_another_epoch(database, restore):
    async with database.connection(wait=5) as conn:
        before = await sql.realtime.get_epoch(conn)
        assert await sql.realtime.get_epoch(conn) == before
        # What pg_restore --clean does to the table, and what a restore of data alone does.
        await conn.execute(restore)
        assert await sql.realtime.get_epoch(conn) != before


async def test_promoted_replica_sends_everybody_anew(make_user, connect, service, monkeypatch):
    """The replica's numbers may begin lower. A new client must not depend on old sockets that still hang."""
    ada, post, live = await watch_post(make_user, connect)
    room, node = f"post:{post}", service.app[NODE]
    await edit_post(service.db, post, ada.id, 5)
    await read_seqs(live, room, 5)
    old = node.positions.epoch
    async with open_raw(service.url, ada) as hanging:
        hanging.send(b'{"event":"subscribe","data":{"room":"%s"}}' % room.encode())
        while b'"subscribed"' not in (await hanging.read())[1]:
            pass

        async def promoted(conn):
            return old.partition(":")[0] + ":00000002"

        async with service.db.transaction(wait=5) as conn:
            await conn.execute("DELETE FROM room_frames WHERE room = $1 AND seq > 2", room)
            await conn.execute("UPDATE rooms SET last_seq = 2 WHERE name = $1", room)
        monkeypatch.setattr(sql.realtime, "get_epoch", promoted)
        await node.positions.check()
        assert await closed(live) == (4010, "epoch changed")
        again = await connect(ada)
        hello = await again.next("connected")
        assert hello["data"]["epoch"] == old.partition(":")[0] + ":00000002"
        answer = await subscribe(again, room, epoch=old, seq=2)
        assert (answer["recovered"], answer["seq"]) == (False, 2)
        await edit_post(service.db, post, ada.id, 5)
        assert await read_seqs(again, room, 5) == [3, 4, 5, 6, 7]

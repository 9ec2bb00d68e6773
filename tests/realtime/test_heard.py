"""Workers know which rooms have members on any node, and render and push for these alone."""

from __future__ import annotations

import pytest

from nexcorp.realtime import bus
from nexcorp.realtime.node import NODE
from tests.conftest import wait_until
from tests.realtime.helpers import ask, create_post, edit_post, read_seqs, subscribe


@pytest.fixture
def told(monkeypatch):
    """A list of the rooms to which workers have pushed, in order; the service must start behind it."""
    push, rooms = bus.Publisher.publish_frames, []

    async def note(self, messages):
        rooms.extend(message.room for message in messages)
        await push(self, messages)

    monkeypatch.setattr(bus.Publisher, "publish_frames", note)
    return rooms


async def test_rooms_without_members_cost_no_push(told, make_user, connect, service):
    ada = await make_user()
    seen, unseen = await create_post(ada), await create_post(ada)
    live = await connect(ada)
    await subscribe(live, f"post:{seen}")
    await wait_until(lambda: hears_only(service.app[NODE], f"post:{seen}", f"post:{unseen}"))
    for number in range(1, 4):
        await edit_post(service.db, unseen, ada.id)
        await edit_post(service.db, seen, ada.id)
        assert await read_seqs(live, f"post:{seen}", 1) == [number]
    assert f"post:{seen}" in told and f"post:{unseen}" not in told
    # A new room is pushed to at once, and a room that was left no more.
    assert (await subscribe(live, f"post:{unseen}"))["seq"] == 3
    await ask(live, "unsubscribe", {"room": f"post:{seen}"})
    await wait_until(lambda: hears_only(service.app[NODE], f"post:{unseen}", f"post:{seen}"))
    told.clear()
    await edit_post(service.db, seen, ada.id)
    await edit_post(service.db, unseen, ada.id)
    assert await read_seqs(live, f"post:{unseen}", 1) == [4]
    assert f"post:{unseen}" in told and f"post:{seen}" not in told


async def hears_only(node, room, other):
    """Whether workers know that `room` has members, and `other` has none."""
    return await node.publisher.list_heard({room, other}) == {room}


async def test_rooms_are_known_again_on_a_new_connection(make_user, connect, service):
    ada = await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    await subscribe(await connect(ada), room)
    node = service.app[NODE]
    asked = {room, f"user:{ada.id}", "post:nobody"}
    assert await node.publisher.list_heard(asked) == {room, f"user:{ada.id}"}
    await node.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    async def known() -> bool:
        return await node.publisher.list_heard(asked) == {room, f"user:{ada.id}"}

    await wait_until(known)


async def test_slow_redis_does_not_keep_anybody_from_joining(make_user, connect, service, monkeypatch):
    """Frames missed meanwhile are read from PostgreSQL once Redis knows of the room."""
    ada = await make_user()
    post = await create_post(ada)
    live, node = await connect(ada), service.app[NODE]
    node.positions.seconds = 3600
    node.positions.check_soon()
    note, push, held = bus.Listener._note_followed, bus.Publisher.publish, []

    async def push_nothing(self, payloads):
        if payloads and payloads[0][0] != bus.FRAMES_CHANNEL:
            await push(self, payloads)

    monkeypatch.setattr(bus.Listener, "_note_followed", lambda self, channel: held.append(channel))
    monkeypatch.setattr(bus.Publisher, "publish", push_nothing)
    assert (await subscribe(live, f"post:{post}"))["seq"] == 0
    await edit_post(service.db, post, ada.id)
    await live.nothing("post:updated", 0.7)
    for channel in held:
        note(node.listener, channel)
    assert await read_seqs(live, f"post:{post}", 1) == [1]

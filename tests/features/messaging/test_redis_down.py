"""Redis goes away: a removed member sees no more, and all sockets learn that they missed something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from nexcorp.embedded import ValkeyServer
from tests.features.messaging.helpers import gather, remove, write
from tests.realtime.helpers import ask, subscribe

pytestmark = pytest.mark.long(8)


@pytest.fixture
def own_valkey(tmp_path: Any) -> Iterator[ValkeyServer]:
    """A Valkey for this test alone, to be killed."""
    server = ValkeyServer(tmp_path)
    server.start()
    yield server
    server.destroy()


@pytest.fixture
def config(config: Any, own_valkey: ValkeyServer) -> Any:
    """The service's settings with the test's own Valkey."""
    return replace(config, redis_url=own_valkey.url)


async def test_whoever_is_taken_out_meanwhile_sees_no_more(
    make_user: Any, connect: Any, second_node: str, own_valkey: ValkeyServer
) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    conversation = await gather(ann, bob)
    room = f"conversation:{conversation}"
    out, stays, away = await connect(bob, url=second_node), await connect(ann), await connect(bob)
    for live in (out, stays):
        await subscribe(live, room)
    own_valkey.kill()
    assert (await remove(ann, conversation, bob)).status == 204
    path = f"/api/v1/conversations/{conversation}/members/{eve.id}"
    assert (await ann.client.put(path, json={})).status == 200
    await write(ann, conversation, "Not for Bob.")
    # The first node knows of the removal; the second one finds it when it checks what it missed.
    assert (await out.next("unsubscribed", 8))["data"] == {"room": room}
    assert (await stays.next("message:created", 8))["data"]["n"] == 1
    assert not [frame for frame in out.frames if frame["event"].startswith("m")]
    own_valkey.start()
    # Both nodes tell their sockets to read their lists again; then the second one knows that Bob is out.
    for live in (out, stays, away):
        while (await live.next("resync", 12))["data"] != {"scope": "conversations"}:
            pass
    live = await connect(eve, url=second_node)
    assert (await ask(live, "ping"))["event"] == "pong"
    last = (await write(ann, conversation))["n"]
    while (frame := await live.next(seconds=8))["event"] != "conversation:activity":
        if frame["event"] == "resync":
            # Until then the author's node could not reach the second one; now it can.
            last = (await write(ann, conversation))["n"]
    assert 2 <= frame["data"]["n"] <= last
    await out.nothing("conversation:activity", 0.2)

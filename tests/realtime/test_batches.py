"""Sockets with the subprotocol nexcorp.v1.batch: the same frames in fewer messages."""

from __future__ import annotations

import json

import pytest
from aiohttp import WSMsgType

from nexcorp.realtime import batches
from nexcorp.realtime.node import NODE
from nexcorp.realtime.protocol import BATCHED, SUBPROTOCOL
from tests.contract import check_frame
from tests.realtime.helpers import create_post, edit_post, open_raw, store_frames

pytestmark = pytest.mark.shared


class Batched:
    """A client's socket; `messages`: the received texts, `frames`: the frames in them."""

    def __init__(self, ws):
        self.ws = ws
        self.messages: list[str] = []
        self.frames: list[dict] = []

    async def say(self, event, **data):
        await self.ws.send_json({"event": event, "data": data})

    async def until(self, event, count=1, **wanted):
        """Read until `count` frames of this event with these members have come in all; return them."""
        while True:
            found = [f for f in self.frames if f["event"] == event and wanted.items() <= f.items()]
            if len(found) >= count:
                return found
            text = await self.ws.receive_str(timeout=20)
            self.messages.append(text)
            for frame in json.loads(text):
                check_frame(frame)
                self.frames.append(frame)


async def open_batched(client, user, *protocols, **query):
    ws = await client.session.ws_connect(
        client.url + "/ws", protocols=protocols or (BATCHED,), headers=user.headers, params=query
    )
    assert ws.protocol == BATCHED
    return Batched(ws)


async def test_a_burst_is_the_same_frames_in_fewer_messages(make_user, client, service):
    ada = await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    batched = await open_batched(client, ada, BATCHED, SUBPROTOCOL)
    await batched.say("subscribe", room=room)
    await batched.until("subscribed")
    async with open_raw(service.url, ada) as plain:
        plain.send(json.dumps({"event": "subscribe", "data": {"room": room}}).encode())
        while b'"subscribed"' not in (await plain.read())[1]:
            pass
        await edit_post(service.db, post, ada.id, 30)
        texts = []
        while len(texts) < 30:
            first, payload = await plain.read()
            if first == 0x81 and json.loads(payload).get("room") == room:
                texts.append(payload.decode())
    before = len(batched.messages)
    found = await batched.until("post:updated", 30, room=room)
    assert [frame["seq"] for frame in found] == list(range(1, 31))
    # Each frame has the same bytes as on the other socket.
    joined = "".join(batched.messages[before:])
    assert [joined.index(text) for text in texts] == sorted(joined.index(text) for text in texts)
    assert len(batched.messages) - before < 10

    # A number that came in a batch can be acknowledged, a later one cannot.
    await batched.ws.send_json({"event": "ack", "data": {"room": room, "seq": 30}, "id": 1})
    assert (await batched.until("acknowledged"))[0]["id"] == 1
    await batched.ws.send_json({"event": "ack", "data": {"room": room, "seq": 31}, "id": 2})
    assert (await batched.until("error"))[0]["id"] == 2
    await batched.ws.close()


async def test_the_past_comes_in_batches_of_a_bounded_size(make_user, client, service, monkeypatch):
    ada = await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    await store_frames(service.db, room, 200)
    monkeypatch.setattr(batches, "MOST_BYTES", 4096)
    batched = await open_batched(client, ada)
    [hello] = await batched.until("connected")
    await batched.say("subscribe", room=room, epoch=hello["data"]["epoch"], seq=50)
    found = await batched.until("post:updated", 150)
    assert [frame["seq"] for frame in found] == list(range(51, 201))
    longest = max(len(json.dumps(frame)) for frame in found)
    assert max(map(len, batched.messages)) < 4096 + longest
    await batched.ws.close()


async def test_what_waits_goes_before_the_close(make_user, client, service, monkeypatch):
    ada = await make_user()
    monkeypatch.setattr(service.app[NODE], "batches", batches.Batches())
    batched = await open_batched(client, ada)
    await batched.until("unread-count")
    # The window is long: only the close can flush it.
    monkeypatch.setattr(batches, "WINDOW_SECONDS", 600)
    await batched.say("ping")
    await batched.say("auth", token="no.good.token")
    [error] = await batched.until("error")
    assert [frame["event"] for frame in batched.frames[-2:]] == ["pong", "error"]
    assert error["data"]["closeCode"] == 4500
    message = await batched.ws.receive(timeout=20)
    assert (message.type, message.data) == (WSMsgType.CLOSE, 4500)

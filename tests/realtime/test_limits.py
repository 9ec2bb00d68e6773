"""Limits that protect other clients, and the close code of each."""

from __future__ import annotations

import asyncio
import json
import struct
import time

import pytest

from nexcorp.realtime import node, socket
from nexcorp.realtime.node import NODE
from nexcorp.security import tokens
from nexcorp.security.app_keys import TOKENS
from tests.clients import PATIENCE
from tests.conftest import User, wait_until
from tests.realtime.helpers import LONG, ask, closed, create_post, edit_post, open_raw, read_seqs, subscribe


def sign(service, user: User, session_id=None) -> str:
    return service.app[TOKENS].sign(
        user_id=user.id,
        session_id=session_id or user.session_id,
        role="member",
        role_version=1,
        platform="cli",
    )


async def connect_with(client, token):
    return await client.session.ws_connect(
        client.url + "/ws", protocols=("nexcorp.v1",), headers={"Authorization": f"Bearer {token}"}
    )


async def test_flooding_client_is_closed_and_others_go_on(make_user, connect):
    ada, grace = await make_user(), await make_user()
    flooding, other = await connect(ada), await connect(grace)
    for _ in range(60):
        await flooding.send("ping")
    assert (await closed(flooding))[0] == 4013
    pongs = [frame for frame in flooding.frames if frame["event"] == "pong"]
    assert 40 <= len(pongs) < 60
    assert (await ask(other, "ping"))["event"] == "pong"


async def test_burst_of_40_is_no_flood(make_user, connect):
    ada = await make_user()
    live = await connect(ada)
    for _ in range(40):
        await live.send("ping")
    for _ in range(40):
        await live.next("pong")
    # A second later there is room for 20 more.
    await asyncio.sleep(1.1)
    for _ in range(18):
        await live.send("ping")
    for _ in range(18):
        await live.next("pong")


def keep_reading(sockets):
    """Start tasks that read, and so answer pings, until each socket gets a pong."""
    return [asyncio.create_task(live.next("pong", 30)) for live in sockets]


async def test_eleventh_socket_is_refused_and_ten_stay(make_user, connect):
    ada, grace = await make_user(), await make_user()
    ten = [await connect(ada) for _ in range(10)]
    living = keep_reading(ten)
    eleventh = await connect(ada)
    assert (await closed(eleventh))[0] == 4504
    [why] = [frame["data"] for frame in eleventh.frames]
    assert (why["code"], why["closeCode"]) == ("too_many_sockets", 4504)
    assert (await ask(await connect(grace), "ping"))["event"] == "pong"
    for live in ten:
        await live.send("ping")
    await asyncio.gather(*living)
    await ten[0].ws.close()

    async def admitted() -> bool:
        live = await connect(ada)
        return (await live.next())["event"] == "connected"

    await wait_until(admitted)


async def test_eleventh_socket_takes_the_place_of_one_that_is_silent(make_user, connect, service):
    ada = await make_user()
    ten = [await connect(ada) for _ in range(10)]
    ten.pop(3)
    living = keep_reading(ten)
    newest = await connect(ada)
    assert (await newest.next("connected"))["data"]["userId"] == str(ada.id)
    mine = service.app[NODE].hub.by_user[ada.id]
    assert sum(not other.closing for other in mine) == 10
    for live in ten:
        await live.send("ping")
    await asyncio.gather(*living)


async def test_token_ends_its_socket_unless_a_newer_one_comes(
    make_user, client, service, connect, monkeypatch
):
    ada = await make_user()
    monkeypatch.setattr(node, "TICK_SECONDS", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "ACCESS_SECONDS", 3)
        token = sign(service, ada)
    renewed, left = await connect(ada), await connect(ada)
    await renewed.ws.close(), await left.ws.close()
    renewed.ws, left.ws = await connect_with(client, token), await connect_with(client, token)
    before = (await renewed.next("connected"))["data"]["expiresAt"]
    warned = await left.next("token-expiring")
    assert 0 <= warned["data"]["in"] <= 3
    after = await ask(renewed, "auth", {"token": ada.token})
    assert after["event"] == "authenticated"
    assert after["data"]["expiresAt"] > before
    assert (await closed(left))[0] == 4005
    why = left.frames[-1]["data"]
    assert (why["code"], why["message"], why["closeCode"]) == ("token_expired", "Token expired.", 4005)
    assert [frame["event"] for frame in left.frames].count("token-expiring") == 1
    assert (await ask(renewed, "ping"))["event"] == "pong"


async def test_bad_token_ends_the_socket(make_user, connect, service):
    ada, grace = await make_user(), await make_user()
    await grace.client.post("/api/v1/auth/logout")
    eve = await make_user()
    for token in ("nonsense", "", None, 7, "\x00", eve.token, grace.token, "x" * 10_000, ada.token + "x"):
        live = await connect(ada)
        await live.send("auth", {"token": token}, id="a")
        assert await closed(live) == (4500, "bad token"), token
        assert live.frames[-1]["data"]["code"] == "unauthorized"
        assert live.frames[-1]["data"]["closeCode"] == 4500
        assert live.frames[-1]["id"] == "a"
    live = await connect(ada)
    await live.send("auth", {})
    assert (await closed(live))[0] == 4500


async def test_silent_client_is_closed_and_answering_one_stays(make_user, client, connect, monkeypatch):
    ada = await make_user()
    monkeypatch.setattr(node, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(socket, "PING_SECONDS", 2.0)
    monkeypatch.setattr(socket, "PONG_SECONDS", 1.5)
    answering = await connect(ada)
    silent = await connect(ada)
    await silent.ws.close()
    silent.ws = await client.session.ws_connect(client.url + "/ws", autoping=False, headers=ada.headers)
    reading = asyncio.create_task(answering.next("never"))
    assert (await closed(silent))[0] == 4012
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert (await ask(answering, "ping"))["event"] == "pong"


async def test_client_may_ping_by_itself(make_user, service):
    ada = await make_user()
    async with open_raw(service.url, ada) as raw:
        raw.send(b"are you there", 0x89)
        while True:
            first, payload = await asyncio.wait_for(raw.read(), 20)
            if first == 0x8A:
                break
        assert payload == b"are you there"


@pytest.mark.parametrize("spoken", ["nexcorp.v1", "nexcorp.v1.batch"])
async def test_reader_that_stops_is_cut_off_and_others_get_frames_at_once(
    make_user, connect, service, monkeypatch, spoken
):
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    monkeypatch.setattr(socket, "MAX_BEHIND_BYTES", 256 * 1024)
    reader = await connect(grace)
    await subscribe(reader, room)
    async with open_raw(service.url, ada, receive_bytes=4096, spoken=spoken) as stopped:
        stopped.send(json.dumps({"event": "subscribe", "data": {"room": room}}).encode())

        async def joined() -> bool:
            return len(service.app[NODE].hub.rooms[room].members) == 2

        await wait_until(joined)
        seqs, slowest = [], 0.0
        # The system buffers some megabytes before the service's own buffer begins to fill.
        for _ in range(60):
            began = time.monotonic()
            await edit_post(service.db, post, ada.id, 3, LONG)
            seqs += await read_seqs(reader, room, 3)
            slowest = max(slowest, time.monotonic() - began)
            if len(service.app[NODE].hub.rooms[room].members) == 1:
                break
        else:
            raise AssertionError("the stopped reader was never cut off")
        await edit_post(service.db, post, ada.id)
        seqs += await read_seqs(reader, room, 1)
        assert seqs == list(range(1, len(seqs) + 1))
        assert slowest < 3
    assert [who.user_id for who in service.app[NODE].hub.sockets] == [grace.id]


async def test_who_stays_behind_for_too_long_is_cut_off(make_user, service, connect, monkeypatch):
    """The reader is behind by fewer bytes than the limit, but for too long, and nothing new is written."""
    ada = await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    monkeypatch.setattr(node, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(socket, "MAX_BEHIND_SECONDS", 0.5)
    monkeypatch.setattr(socket, "MAX_BEHIND_BYTES", 2**30)
    hub = service.app[NODE].hub
    async with open_raw(service.url, ada, receive_bytes=4096) as stopped:
        stopped.send(json.dumps({"event": "subscribe", "data": {"room": room}}).encode())

        async def joined() -> bool:
            return room in hub.rooms

        await wait_until(joined)
        await edit_post(service.db, post, ada.id, 100, LONG)

        async def gone() -> bool:
            return not hub.sockets

        await wait_until(gone)


async def test_stopping_node_sends_clients_away_and_loses_no_write(
    make_user, client, service, web_only, connect
):
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    runner, _, url = await web_only()
    lives = [await connect(ada, url=url) for _ in range(3)]
    written: list[str] = []

    async def write() -> None:
        for number in range(10_000):
            body = {"postId": str(post), "body": f"comment {number}"}
            try:
                async with client.session.post(
                    url + "/api/v1/comments", json=body, headers=grace.headers
                ) as answer:
                    if answer.status != 201:
                        return
                    written.append((await answer.json())["id"])
            except (OSError, RuntimeError):
                return
            except Exception as error:
                if "aiohttp" not in type(error).__module__:
                    raise
                return

    writers = [asyncio.create_task(write()) for _ in range(3)]
    await lives[0].next("notification:created")
    closes = [asyncio.create_task(closed(live)) for live in lives]
    await runner.cleanup()
    await asyncio.wait_for(asyncio.gather(*writers), 20)
    ends = await asyncio.gather(*closes)
    assert [code for code, _ in ends] == [4001] * 3
    waits = [float(reason.removeprefix("reconnect in ").removesuffix(" s")) for _, reason in ends]
    assert all(0 <= wait <= 5 for wait in waits)
    assert len(set(waits)) > 1

    async def told() -> bool:
        async with service.db.connection(wait=5) as conn:
            rows = await conn.fetch("SELECT entity_id FROM notifications WHERE receiver_id = $1", ada.id)
        return {str(row["entity_id"]) for row in rows} >= set(written)

    await wait_until(told)
    assert written


async def test_close_code_travels_in_the_close_frame(make_user, service):
    ada = await make_user()
    async with open_raw(service.url, ada) as raw:
        await raw.read()
        for live in list(service.app[NODE].hub.sockets):
            live.close(4010, "too far behind")
            live.send("ping", {})
        frames = await raw.rest()
    assert frames[-1] == (0x88, struct.pack("!H", 4010) + b"too far behind")


async def read_end(raw) -> tuple[list[tuple[int, bytes]], int]:
    """Return the frames before the close frame, and its code."""
    frames = []
    async with asyncio.timeout(PATIENCE):
        while True:
            first, payload = await raw.read()
            if first == 0x88:
                return frames, struct.unpack("!H", payload[:2])[0]
            frames.append((first, payload))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "spoken"), [("/ws", "nexcorp.v1"), ("/api/graphql", "graphql-transport-ws")]
)
async def test_what_is_no_frame_of_a_client_is_a_protocol_error(make_user, service, path, spoken):
    ada = await make_user()
    # 1006 and codes above 4999 are invalid; no new message may begin before the last fragment of one.
    wrong = [
        [(struct.pack("!H", 1006), 0x88)],
        [(struct.pack("!H", 5000), 0x88)],
        [(b"", 0x01), (b"{}", 0x81)],
        [(b"", 0x01), (b"{}", 0x82)],
    ]
    for frames in wrong:
        async with open_raw(service.url, ada, path=path, spoken=spoken) as raw:
            for payload, first in frames:
                raw.send(payload, first)
            assert (await read_end(raw))[1] == 1002, frames
    async with open_raw(service.url, ada, path=path, spoken=spoken) as raw:
        # A frame without a mask.
        raw.writer.write(b"\x89\x05hello")
        said, code = await read_end(raw)
        assert code == 1002 and (0x8A, b"hello") not in said
    async with open_raw(service.url, ada, path=path, spoken=spoken) as raw:
        # A ping may come between fragments, the first of which may be empty; 4999 is a valid code.
        ping = b'{"type":"ping","event":"ping"}'
        for payload, first in ((b"", 0x01), (b"among", 0x89), (ping, 0x80), (struct.pack("!H", 4999), 0x88)):
            raw.send(payload, first)
        said, code = await read_end(raw)
        assert (0x8A, b"among") in said and code == 1000

"""Commands of a client, and the errors for everything else."""

from __future__ import annotations

import json
import struct
from uuid import uuid4

from nexcorp.realtime import commands
from nexcorp.realtime.protocol import MAX_INBOUND_BYTES
from tests.realtime.helpers import ask, create_post, edit_post, open_raw, read_seqs, subscribe

WRONG = [
    ("{", "malformed_json"),
    ("", "malformed_json"),
    ("NaN", "malformed_json"),
    ('"\\ud800"', "malformed_json"),
    ("9" * 5000, "malformed_json"),
    ("[" * 60_000, "malformed_json"),
    ('{"event":"ping","data":' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "}", "malformed_json"),
    ("[]", "malformed_frame"),
    ("null", "malformed_frame"),
    ("17", "malformed_frame"),
    ('"ping"', "malformed_frame"),
    ("{}", "unknown_event"),
    ('{"event":"nonsense"}', "unknown_event"),
    ('{"event":7}', "unknown_event"),
    ('{"event":["ping"]}', "unknown_event"),
    ('{"event":{"a":1},"data":{}}', "unknown_event"),
    ('{"event":"connected","data":{}}', "unknown_event"),
    ('{"event":"ping","data":null}', "validation_failed"),
    ('{"event":"ping","data":[1]}', "validation_failed"),
    ('{"event":"subscribe"}', "validation_failed"),
    ('{"event":"subscribe","data":{"room":7}}', "validation_failed"),
    ('{"event":"subscribe","data":{"room":""}}', "validation_failed"),
    ('{"event":"subscribe","data":{"room":"' + "x" * 101 + '"}}', "validation_failed"),
    ('{"event":"unsubscribe","data":{"room":["a"]}}', "validation_failed"),
    ('{"event":"ack","data":{}}', "validation_failed"),
]


async def test_nonsense_gets_an_error_and_harms_nobody(make_user, connect):
    ada, grace = await make_user(), await make_user()
    lives = [await connect(ada) for _ in range(2)]
    bystander = await connect(grace)
    await bystander.next("unread-count")
    for number, (text, code) in enumerate(WRONG):
        # 25 frames for each socket, fewer than the burst a client may send.
        live = lives[number % 2]
        await live.ws.send_str(text)
        answer = (await live.next("error"))["data"]
        assert answer["code"] == code, text[:60]
        assert answer["message"]
    for live in lives:
        await live.ws.send_bytes(b'{"event":"ping"}')
        assert (await live.next("error"))["data"]["code"] == "text_only"
        assert (await ask(live, "ping"))["event"] == "pong"
    assert (await ask(bystander, "ping"))["event"] == "pong"
    assert [frame["event"] for frame in bystander.frames] == ["connected", "unread-count", "pong"]


async def test_answers_repeat_the_id(make_user, connect):
    ada = await make_user()
    live = await connect(ada)
    await live.next("unread-count")
    for frame_id in ("c1", "", 7, "ö" * 100):
        await live.send("ping", id=frame_id)
        pong = await live.next()
        assert (pong["event"], pong["id"]) == ("pong", frame_id)
        assert pong["data"]["time"].endswith("Z")
        assert len(pong["data"]["time"]) == len("2026-01-31T10:00:00.000000Z")
    await live.send("nonsense", id="c2")
    assert (await live.next("error"))["id"] == "c2"
    for frame_id in (None, [1], {"a": 1}, "x" * 101, 1.5):
        await live.send("ping", id=frame_id)
        answer = await live.next("pong" if frame_id is None else "error")
        assert "id" not in answer, frame_id
        assert frame_id is None or answer["data"]["code"] == "validation_failed"


async def test_message_of_64_kb_is_read_and_one_byte_more_ends_the_socket(make_user, service, connect):
    ada = await make_user()
    other = await connect(ada)
    frame = json.dumps({"event": "ping", "data": {"x": ""}}).encode()
    async with open_raw(service.url, ada) as raw:
        raw.send(frame.replace(b'""', b'"' + b"x" * (MAX_INBOUND_BYTES - len(frame)) + b'"'))
        while b'"pong"' not in (await raw.read())[1]:
            pass
        raw.send(b"x" * (MAX_INBOUND_BYTES + 1))
        frames = await raw.rest()
    assert [(first, payload[:2]) for first, payload in frames] == [(0x88, struct.pack("!H", 1009))]
    assert (await ask(other, "ping"))["event"] == "pong"


BROKEN = [
    (b"\xf1\x80\x00\x00\x00\x00", 1002),  # reserved bits
    (b"\x83\x80\x00\x00\x00\x00", 1002),  # unknown opcode
    (b"\x81\x81\x00\x00\x00\x00\xff", 1007),  # no UTF-8
    (b"\x81\xff\x00" + b"\xff" * 11, 1009),  # 2^56 bytes announced
]


async def test_broken_frames_end_their_own_socket_only(make_user, service, connect):
    ada = await make_user()
    other = await connect(ada)
    for frame, code in BROKEN:
        async with open_raw(service.url, ada) as raw:
            raw.writer.write(frame)
            frames = await raw.rest()
        # The first frames, then the close frame and nothing behind it.
        assert [first for first, _ in frames][-1] == 0x88, frame
        assert all(first == 0x81 for first, _ in frames[:-1])
        assert struct.unpack("!H", frames[-1][1][:2])[0] == code, frame
    assert (await ask(other, "ping"))["event"] == "pong"


async def test_unknown_and_forbidden_rooms_look_the_same(make_user, connect):
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    live = await connect(ada)
    await live.next("unread-count")
    answers = []
    for room in (
        f"user:{grace.id}",
        f"user:{uuid4()}",
        f"post:{uuid4()}",
        f"profile:{uuid4()}",
        f"task:{uuid4()}",
        f"nonsense:{uuid4()}",
        f"post:{str(post).upper()}",
        f"post:{{{post}}}",
        f"post:{post} ",
        f"post:{post}\x00",
        "post:",
        "post",
        "administrators",
        ":",
        "post:' OR true --",
    ):
        answers.append(await ask(live, "subscribe", {"room": room}))
    assert answers == [answers[0]] * len(answers)
    assert (answers[0]["event"], answers[0]["data"]["code"]) == ("error", "room_not_found")
    await grace.client.put(f"/api/v1/posts/{post}/like")
    told = await live.next("notification:created")
    assert told["room"] == f"user:{ada.id}"


async def test_older_names_of_the_commands_work(make_user, connect):
    ada = await make_user()
    post = await create_post(ada)
    live = await connect(ada)
    missing = await ask(live, "subscribe-to-task", {"taskId": str(uuid4())})
    assert missing["data"]["code"] == "room_not_found"
    joined = await ask(live, "subscribe-to-task", {"room": f"post:{post}"})
    assert (joined["event"], joined["data"]["room"]) == ("subscribed", f"post:{post}")
    left = await ask(live, "unsubscribe-from-task", {"taskId": str(uuid4())})
    assert left["event"] == "unsubscribed"


async def test_subscribing_twice_shows_every_frame_once(make_user, connect, service):
    ada = await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    live = await connect(ada)
    for _ in range(2):
        answer = await subscribe(live, room)
        assert set(answer) == {"room", "epoch", "seq", "recovered"}
    await edit_post(service.db, post, ada.id, 3)
    assert await read_seqs(live, room, 3) == [1, 2, 3]
    await live.nothing("post:updated", 0.3)


async def test_socket_joins_so_many_rooms_and_no_more(make_user, connect, monkeypatch):
    ada = await make_user()
    posts = [await create_post(ada) for _ in range(4)]
    monkeypatch.setattr(commands, "MAX_ROOMS", 3)
    live = await connect(ada)
    await live.next("unread-count")
    for post in posts[:2]:
        await subscribe(live, f"post:{post}")
    full = await ask(live, "subscribe", {"room": f"post:{posts[2]}"})
    assert full["data"]["code"] == "too_many_rooms"
    # Rooms it has joined do not count again, and leaving one makes room.
    await subscribe(live, f"post:{posts[0]}")
    await ask(live, "unsubscribe", {"room": f"post:{posts[0]}"})
    await subscribe(live, f"post:{posts[2]}")


async def test_who_unsubscribes_hears_no_more(make_user, connect, service):
    ada = await make_user()
    post = await create_post(ada)
    live, other = await connect(ada), await connect(ada)
    for member in (live, other):
        await subscribe(member, f"post:{post}")
    assert (await ask(live, "unsubscribe", {"room": f"post:{post}"}))["event"] == "unsubscribed"
    await edit_post(service.db, post, ada.id, 1)
    await other.next("post:updated")
    await live.nothing("post:updated", 0.3)
    kept = await ask(live, "unsubscribe", {"room": f"user:{ada.id}"})
    assert kept["data"]["code"] == "room_required"


async def test_room_left_and_joined_again_goes_on_with_the_number(make_user, connect, service):
    ada = await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    live = await connect(ada)
    first = await subscribe(live, room)
    await ask(live, "unsubscribe", {"room": room})
    watcher = await connect(ada)
    await subscribe(watcher, room)
    await edit_post(service.db, post, ada.id, 4)
    await read_seqs(watcher, room, 4)
    again = await subscribe(live, room, epoch=first["epoch"], seq=first["seq"])
    assert (again["recovered"], again["seq"]) == (True, 4)
    assert await read_seqs(live, room, 4) == [1, 2, 3, 4]


async def test_ack_is_recorded_and_never_goes_back(make_user, connect, service):
    ada = await make_user()
    post = await create_post(ada)
    room = f"post:{post}"
    live = await connect(ada)
    await subscribe(live, room)
    await edit_post(service.db, post, ada.id, 5)
    await read_seqs(live, room, 5)

    async def acked():
        async with service.db.connection(wait=5) as conn:
            return await conn.fetchval("SELECT seq FROM room_acks WHERE room = $1", room)

    for seq, stored in ((2, 2), (5, 5), (3, 5)):
        assert (await ask(live, "ack", {"room": room, "seq": seq}))["event"] == "acknowledged"
        assert await acked() == stored
    for seq in (6, -1, "5", 5.0, True, None, 10**30):
        assert (await ask(live, "ack", {"room": room, "seq": seq}))["data"]["code"] == "validation_failed", (
            seq
        )
    stranger = await ask(live, "ack", {"room": f"user:{uuid4()}", "seq": 0})
    assert stranger["data"]["code"] == "room_not_found"
    assert await acked() == 5

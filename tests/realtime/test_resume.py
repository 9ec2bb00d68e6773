"""A client that comes back gets all missed frames, or is told that it cannot."""

from __future__ import annotations

import asyncio

from nexcorp.realtime import joining
from nexcorp.realtime.node import NODE
from nexcorp.realtime.socket import Socket
from tests.realtime.helpers import LONG, create_post, edit_post, read_seqs, store_frames, subscribe
from workers.jobs.cleanup import clean_up


async def room_with_past(make_user, service, count):
    ada = await make_user()
    post = await create_post(ada)
    await store_frames(service.db, f"post:{post}", count)
    return ada, post, f"post:{post}", service.app[NODE].positions.epoch


async def test_exactly_what_was_missed_comes_in_order(make_user, connect, service):
    ada, post, room, epoch = await room_with_past(make_user, service, 30)
    live = await connect(ada)
    answer = await subscribe(live, room, epoch=epoch, seq=27)
    assert answer == {"room": room, "epoch": epoch, "seq": 30, "recovered": True}
    frames = [await live.next() for _ in range(3)]
    assert frames == [
        {"event": "post:updated", "data": {"id": str(post), "interestCount": n}, "room": room, "seq": n}
        for n in (28, 29, 30)
    ]
    await edit_post(service.db, post, ada.id)
    assert await read_seqs(live, room, 1) == [31]


async def test_recovered_frame_equals_the_live_one(make_user, connect, service):
    ada = await make_user()
    post = await create_post(ada)
    live = await connect(ada)
    start = await subscribe(live, f"post:{post}")
    text = 'quotes " and \\ and }," \u2028 \x7f \U0001f600 ü\n'
    await edit_post(service.db, post, ada.id, body=text)
    seen = await live.next("post:updated")
    assert (seen["data"]["version"], seen["data"]["body"]) == (2, text)
    again = await connect(ada)
    await subscribe(again, f"post:{post}", epoch=start["epoch"], seq=0)
    assert await again.next("post:updated") == seen


async def test_a_long_past_is_read_as_fast_as_the_client_takes_it(make_user, connect, service, monkeypatch):
    ada = await make_user()
    post = await create_post(ada)
    room, epoch = f"post:{post}", service.app[NODE].positions.epoch
    watcher = await connect(ada)
    await subscribe(watcher, room)
    await edit_post(service.db, post, ada.id, 30, LONG)
    assert await read_seqs(watcher, room, 30) == list(range(1, 31))
    read_part, counts, reads = joining.read_part, [], asyncio.Event()

    async def count(*args):
        part = await read_part(*args)
        counts.append(len(part))
        return part

    monkeypatch.setattr(joining, "read_part", count)
    monkeypatch.setattr(Socket, "let_drain", lambda self: reads.wait())
    live = await connect(ada)
    await subscribe(live, room, epoch=epoch, seq=0)
    assert await read_seqs(live, room, 1) == [1]
    await edit_post(service.db, post, ada.id)
    assert await read_seqs(watcher, room, 1) == [31]
    assert counts == [8]
    reads.set()
    assert await read_seqs(live, room, 30) == list(range(2, 32))
    # Each frame is larger than a part should be.
    assert counts == [8, *[1] * 22]


async def test_nothing_missed_is_recovered_without_frames(make_user, connect, service):
    ada, _, room, epoch = await room_with_past(make_user, service, 3)
    live = await connect(ada)
    answer = await subscribe(live, room, epoch=epoch, seq=3)
    assert (answer["seq"], answer["recovered"]) == (3, True)
    await live.nothing("post:updated", 0.3)


async def test_500_missed_are_recovered_and_501_are_not(make_user, connect, service):
    ada, _, room, epoch = await room_with_past(make_user, service, 501)
    near, far = await connect(ada), await connect(ada)
    assert (await subscribe(near, room, epoch=epoch, seq=1))["recovered"] is True
    assert await read_seqs(near, room, 500) == list(range(2, 502))
    answer = await subscribe(far, room, epoch=epoch, seq=0)
    assert (answer["recovered"], answer["seq"]) == (False, 501)
    await far.nothing("post:updated", 0.3)


async def test_what_cannot_be_recovered_brings_no_frame_at_all(make_user, connect, service):
    ada, _, room, epoch = await room_with_past(make_user, service, 10)
    live = await connect(ada)
    cluster = epoch.partition(":")[0]
    for past in (
        {"epoch": epoch, "seq": 11},
        {"epoch": epoch, "seq": 10**30},
        {"epoch": epoch, "seq": -1},
        {"epoch": f"{cluster}:00000009", "seq": 5},
        {"epoch": "", "seq": 5},
        {"epoch": None, "seq": 5},
        {"epoch": [epoch], "seq": 5},
        {"epoch": epoch},
        {"epoch": epoch, "seq": "5"},
        {"epoch": epoch, "seq": 5.5},
        {"epoch": epoch, "seq": True},
        {"epoch": epoch, "seq": None},
        {"seq": 5},
        {},
    ):
        answer = await subscribe(live, room, **past)
        assert (answer["recovered"], answer["seq"]) == (False, 10), past
    await live.nothing("post:updated", 0.3)


async def test_own_room_resumes_at_the_handshake(make_user, connect, service):
    ada = await make_user()
    room, epoch = f"user:{ada.id}", service.app[NODE].positions.epoch
    await store_frames(service.db, room, 501)
    for seq, recovered in ((498, True), (0, False), (502, False)):
        live = await connect(ada, {"epoch": epoch, "seq": seq})
        hello = (await live.next())["data"]
        assert (hello["recovered"], hello["seq"]) == (recovered, 501)
        if recovered:
            assert await read_seqs(live, room, 3) == [499, 500, 501]
        assert (await live.next())["event"] == "unread-count"
        await live.ws.close()


async def test_count_of_what_comes_during_the_greeting_stays_the_last(
    make_user, connect, service, monkeypatch
):
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    other = await connect(ada)
    await other.next("unread-count")
    node = service.app[NODE]

    async def like(conn, socket) -> None:
        """Like the post after position and count were read; the other socket is told at once."""
        await grace.client.put(f"/api/v1/posts/{post}/like")
        assert (await other.next("unread-count"))["data"] == {"count": 1}

    monkeypatch.setattr(node, "welcomes", [*node.welcomes, like])
    live = await connect(ada)
    await live.next("notification:created")
    assert (await live.next("unread-count"))["data"] == {"count": 1}
    await live.nothing("unread-count", 0.3)


async def test_frames_that_were_cleaned_up_are_not_recovered(make_user, connect, service):
    ada, _, room, epoch = await room_with_past(make_user, service, 250)
    async with service.db.transaction(wait=5) as conn:
        await conn.execute("UPDATE room_frames SET created_at = now() - interval '8 days'")
    await clean_up({"database": service.db, "config": service.config})
    live = await connect(ada)
    answer = await subscribe(live, room, epoch=epoch, seq=149)
    assert (answer["recovered"], answer["seq"]) == (False, 250)
    answer = await subscribe(live, room, epoch=epoch, seq=150)
    assert answer["recovered"] is True
    assert await read_seqs(live, room, 100) == list(range(151, 251))


async def test_failed_resubscription_keeps_the_room(make_user, connect, service, monkeypatch):
    """After an `error` the client keeps the rooms it had: its own room must not fall silent."""
    ada, grace = await make_user(), await make_user()
    post = await create_post(ada)
    live = await connect(ada)
    await live.next("unread-count")

    async def fail(*args, **options):
        raise RuntimeError("the database stumbles")

    with monkeypatch.context() as patch:
        patch.setattr("nexcorp.realtime.joining.read_past", fail)
        await live.send("subscribe", {"room": f"user:{ada.id}"})
        assert (await live.next())["data"]["code"] == "internal_error"
    await grace.client.put(f"/api/v1/posts/{post}/like")
    assert (await live.next("notification:created"))["data"]["type"] == "like"


async def test_state_and_frames_make_the_state(make_user, connect):
    """GET /notifications returns its position: the list and the frames after it do not overlap."""
    ada, grace = await make_user(), await make_user()
    posts = [await create_post(ada, f"{number}") for number in range(4)]
    watcher = await connect(ada)
    for post in posts[:2]:
        await grace.client.put(f"/api/v1/posts/{post}/like")
        await watcher.next("notification:created")
    listed = await (await ada.client.get("/api/v1/notifications")).json()
    for post in posts[2:]:
        await grace.client.put(f"/api/v1/posts/{post}/like")
        await watcher.next("notification:created")
    live = await connect(ada, {"epoch": listed["epoch"], "seq": listed["seq"]})
    shown = [row["id"] for row in listed["data"]]
    for _ in posts[2:]:
        shown.insert(0, (await live.next("notification:created"))["data"]["id"])
    now = await (await ada.client.get("/api/v1/notifications")).json()
    assert shown == [row["id"] for row in now["data"]]

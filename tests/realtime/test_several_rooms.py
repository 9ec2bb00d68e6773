"""Several rooms in one command, and lists that return the position from which their room goes on."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from nexcorp.realtime import commands, joining, protocol
from tests.api import API, get_json, outbox_empty, publish, say
from tests.conftest import wait_until
from tests.realtime.helpers import ask, closed, create_post, edit_post, read_seqs, subscribe


async def test_several_rooms_are_joined_at_once_each_from_its_place(
    make_user: Any, connect: Any, service: Any, monkeypatch: Any
) -> None:
    ada = await make_user()
    posts = [await create_post(ada) for _ in range(4)]
    rooms = [f"post:{post}" for post in posts]
    live = await connect(ada)
    epoch = (await live.next("connected"))["data"]["epoch"]
    for post in posts:
        await edit_post(service.db, post, ada.id, 3)
    await wait_until(lambda: outbox_empty(service))
    # The rooms together may recover no more frames than one room.
    monkeypatch.setattr(protocol, "MAX_RECOVERED", 4)
    missing = f"post:{uuid4()}"
    wanted = [rooms[0], {"room": rooms[1], "seq": 1}, missing, {"room": rooms[2], "seq": 0}, "feed"]
    answer = await ask(live, "subscribe", {"rooms": wanted, "epoch": epoch})
    assert answer["event"] == "subscribed"
    first, second, third, fourth, fifth = answer["data"]["rooms"]
    assert first == {"room": rooms[0], "epoch": epoch, "seq": 3, "recovered": False}
    assert second == {"room": rooms[1], "epoch": epoch, "seq": 3, "recovered": True}
    assert (third["room"], third["error"]["code"]) == (missing, "room_not_found")
    assert (fourth["room"], fourth["recovered"]) == (rooms[2], False)
    assert (fifth["room"], fifth["recovered"]) == ("feed", False)
    assert await read_seqs(live, rooms[1], 2) == [2, 3]
    for post, room in zip(posts[:3], rooms, strict=False):
        await edit_post(service.db, post, ada.id)
        assert await read_seqs(live, room, 1) == [4]
    monkeypatch.setattr(commands, "MAX_ROOMS", 5)
    answer = await ask(live, "subscribe", {"rooms": [rooms[0], rooms[3]]})
    assert [one.get("error", {}).get("code") for one in answer["data"]["rooms"]] == [None, "too_many_rooms"]


async def test_where_joining_several_breaks_off_the_client_is_where_it_was(
    make_user: Any, connect: Any, service: Any, monkeypatch: Any
) -> None:
    ada = await make_user()
    known, new, broken = [await create_post(ada) for _ in range(3)]
    live = await connect(ada)
    await live.next("connected")
    await ask(live, "subscribe", {"room": f"post:{known}"})
    read_past = joining.read_past

    async def fail(node: Any, conn: Any, name: str, *place: Any) -> Any:
        if name == f"post:{broken}":
            raise ConnectionResetError
        return await read_past(node, conn, name, *place)

    monkeypatch.setattr(joining, "read_past", fail)
    answer = await ask(live, "subscribe", {"rooms": [f"post:{post}" for post in (known, new, broken)]})
    assert (answer["event"], answer["data"]["code"]) == ("error", "database_unavailable")
    for post in (new, broken, known):
        await edit_post(service.db, post, ada.id)
    assert await read_seqs(live, f"post:{known}", 1) == [1]
    assert not [frame for frame in live.frames if frame.get("room") in (f"post:{new}", f"post:{broken}")]


async def test_a_list_of_rooms_is_checked_and_costs_what_it_asks_for(make_user: Any, connect: Any) -> None:
    ada = await make_user()
    live = await connect(ada)
    for wrong in (
        {"rooms": []},
        {"rooms": "feed"},
        {"rooms": ["feed"] * 51},
        {"rooms": ["feed", "feed"]},
        {"rooms": [{"seq": 1}]},
        {"rooms": [7]},
        {"rooms": ["feed"], "room": "feed"},
    ):
        answer = await ask(live, "subscribe", wrong)
        assert answer["data"]["code"] == "validation_failed", wrong
    flooding = await connect(ada)
    for _ in range(6):
        await flooding.send("subscribe", {"rooms": [f"post:{uuid4()}" for _ in range(50)]})
    assert (await closed(flooding))[0] == 4013
    why = flooding.frames[-1]["data"]
    assert (why["code"], why["closeCode"]) == ("too_many_messages", 4013)


async def test_lists_say_from_where_their_room_goes_on(make_user: Any, connect: Any, service: Any) -> None:
    ada, bob = await make_user(), await make_user()
    post = await publish(ada)
    await say(bob, post["id"], "one")
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    await wait_until(lambda: outbox_empty(service))
    lists = {
        f"/comments/post/{post['id']}": f"post:{post['id']}",
        f"/comments/post/{post['id']}?order=newest": f"post:{post['id']}",
        f"/posts/{post['id']}/likes": f"post:{post['id']}",
        f"/users/{ada.id}/posts": f"profile:{ada.id}",
    }
    live = await connect(ada)
    places = {}
    for path, room in lists.items():
        page = await get_json(ada.client, path)
        assert page["seq"] > 0, path
        places[room] = page["epoch"], page["seq"]
    await say(bob, post["id"], "two")
    await publish(ada, "another")
    await wait_until(lambda: outbox_empty(service))
    for room, (epoch, seq) in places.items():
        answer = await subscribe(live, room, epoch=epoch, seq=seq)
        assert answer["recovered"], room
        assert await read_seqs(live, room, 1) == [seq + 1]

"""Live views of members on two nodes: rooms, activity elsewhere, typing, marks, and the loss of access."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from nexcorp.db import sql
from nexcorp.features.messaging.commands import find_conversations
from nexcorp.realtime.node import NODE
from tests.api import API, create, fetch_value, gather_crowd, get_json
from tests.features.messaging.helpers import gather, history, read, remove, talk, write
from tests.realtime.helpers import ask, subscribe


async def watch(live: Any, conversation: str) -> dict[str, Any]:
    """Join the room of a conversation; return the answer's data."""
    return await subscribe(live, f"conversation:{conversation}")


async def test_what_is_written_is_seen_on_every_node(
    service: Any, make_user: Any, connect: Any, second_node: str
) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    conversation = await gather(ann, bob)
    here, there = await connect(ann), await connect(bob, url=second_node)
    # This socket is in no room: it only hears that something happened.
    away = await connect(bob)
    await away.next("connected")
    for live in (here, there):
        await watch(live, conversation)
    message = await write(ann, conversation, "A first text.")
    for live in (here, there):
        frame = await live.next("message:created")
        assert (frame["seq"], frame["data"]["n"], frame["data"]["body"]) == (1, 1, "A first text.")
    news = (await away.next("conversation:activity"))["data"]
    assert news == {"id": conversation, "n": 1, "by": str(ann.id)}
    path = f"{API}/messages/{message['id']}"
    await ann.client.patch(path, json={"body": "Another text."})
    assert (await there.next("message:updated"))["data"]["body"] == "Another text."
    await ann.client.put(f"{path}/reactions/⭐")
    reaction = (await there.next("message:reaction"))["data"]
    assert (reaction["userId"], reaction["added"]) == (str(ann.id), True)
    assert reaction["reactions"] == [{"emoji": "⭐", "count": 1}]
    await ann.client.delete(path)
    assert (await away.next("conversation:activity"))["data"]["n"] == 1
    assert (await there.next("message:deleted"))["data"] == {
        "id": message["id"],
        "conversationId": conversation,
        "n": 1,
    }
    await ann.client.patch(f"{API}/conversations/{conversation}", json={"title": "New"})
    assert (await there.next("conversation:updated"))["data"]["title"] == "New"
    # A replay shows the messages as they are now.
    epoch = (await get_json(bob.client, f"/conversations/{conversation}"))["epoch"]
    room = f"conversation:{conversation}"
    await away.send("subscribe", {"room": room, "epoch": epoch, "seq": 0})
    assert [(await away.next())["event"] for _ in range(4)] == ["subscribed", *["message:deleted"] * 3]
    for live in (here, there, away):
        assert "conversation:activity" not in [frame["event"] for frame in live.frames[-3:]]
    stranger = await connect(eve)
    assert (await ask(stranger, "subscribe", {"room": room}))["data"]["code"] == "room_not_found"


async def test_nothing_is_told_ahead_of_connected(own_service: Any, make_user: Any, connect: Any) -> None:
    """No resync precedes `connected`, even if Redis comes back just then: clients read their list anyway."""
    node = own_service.app[NODE]
    told = find_conversations(node)

    async def come_back(conn: Any, socket: Any) -> None:
        told._resync([socket.user_id])

    node.welcomes.append(come_back)
    ann = await make_user()
    live = await connect(ann)
    assert (await live.next())["event"] == "connected"
    told._resync([ann.id])
    assert (await live.next("resync"))["data"] == {"scope": "conversations"}


async def test_fifty_who_send_at_once_leave_no_gap(
    service: Any, client: Any, make_user: Any, second_node: str
) -> None:
    ann = await make_user()
    crowd = await gather_crowd(service, client, 50)
    ids = [str(user_id) for user_id, _ in crowd]
    conversation = (await create(ann, "/conversations", title="All", userIds=ids))["id"]
    path = f"{API}/conversations/{conversation}/messages"
    for _, one in crowd[::2]:
        one.url = second_node
    same = str(uuid4())
    sends = [
        *(one.post(path, json={"body": str(number)}) for number, (_, one) in enumerate(crowd)),
        *(ann.client.post(path, json={"id": same, "body": "Once."}) for _ in range(5)),
    ]
    answers = await asyncio.gather(*sends)
    assert sorted(answer.status for answer in answers) == [200] * 4 + [201] * 51
    assert {(await answer.json())["n"] for answer in answers} == set(range(1, 52))
    assert await history(ann, conversation, "?limit=100") == list(range(1, 52))
    later = await fetch_value(
        service,
        """
        SELECT bool_and(ok) FROM (
            SELECT created_at >= lag(created_at) OVER (ORDER BY n) AS ok
            FROM messages WHERE conversation_id = $1
        ) AS pairs
        """,
        conversation,
    )
    assert later


async def test_typing_and_marks_go_to_those_whom_they_concern(
    service: Any, make_user: Any, connect: Any, second_node: str
) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    conversation = await talk(ann, bob)
    here, there, phone = await connect(ann), await connect(bob, url=second_node), await connect(bob)
    stranger = await connect(eve)
    for live in (here, there):
        await watch(live, conversation)
    data = {"conversationId": conversation}
    await here.send("typing", data)
    assert (await there.next("typing"))["data"] == {**data, "userId": str(ann.id)}
    await here.send("typing", data)
    for live, code in ((phone, "room_not_found"), (stranger, "room_not_found")):
        assert (await ask(live, "typing", data))["data"]["code"] == code
    assert (await ask(here, "typing", {}))["data"]["code"] == "room_not_found"
    await write(ann, conversation)
    await read(bob, conversation, 1)
    shown = {**data, "userId": str(bob.id), "readN": 1, "deliveredN": 1}
    for live in (here, there, phone):
        assert (await live.next("conversation:read"))["data"] == shown
    # The second typing frame came too soon, and a blocked user's typing is not shown.
    assert [frame["event"] for frame in there.frames].count("typing") == 1
    await ann.client.put(f"{API}/users/{bob.id}/block")
    assert (await ask(there, "typing", data))["data"]["code"] == "blocked"
    assert not [frame for frame in stranger.frames if frame["event"].startswith(("conversation", "typing"))]


async def test_whoever_is_taken_out_sees_no_more(
    service: Any, make_user: Any, connect: Any, second_node: str
) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    conversation = await gather(ann, bob)
    out, stays = await connect(bob, url=second_node), await connect(ann)
    later = await connect(eve, url=second_node)
    await later.next("connected")
    for live in (out, stays):
        await watch(live, conversation)
    path = f"{API}/conversations/{conversation}/members/{eve.id}"
    assert (await ann.client.put(path, json={})).status == 200
    assert (await later.next("resync"))["data"] == {"scope": "conversations"}
    assert (await stays.next("member:added"))["data"]["memberCount"] == 3
    assert (await remove(ann, conversation, bob)).status == 204
    assert (await out.next("unsubscribed"))["data"] == {"room": f"conversation:{conversation}"}
    await out.next("resync")
    gone = (await stays.next("member:removed"))["data"]
    assert (gone["userId"], gone["by"]) == (str(bob.id), str(ann.id))
    await write(ann, conversation, "Not for Bob.")
    assert (await later.next("conversation:activity"))["data"]["n"] == 1
    await stays.next("message:created")
    await out.nothing("message:created", 0.2)
    assert not [frame for frame in out.frames if frame["event"] == "conversation:activity"]
    refused = await ask(out, "subscribe", {"room": f"conversation:{conversation}", "epoch": None})
    assert refused["data"]["code"] == "room_not_found"
    # The room of a deleted conversation is told of its end.
    assert (await ann.client.delete(f"{API}/conversations/{conversation}")).status == 204
    assert (await stays.next("conversation:deleted"))["data"] == {"id": conversation}
    await later.next("resync")


async def test_large_groups_show_no_reading(service: Any, make_user: Any, connect: Any, client: Any) -> None:
    ann = await make_user()
    crowd = [str(user_id) for user_id, _ in await gather_crowd(service, client, 50)]
    conversation = (await create(ann, "/conversations", title="All", userIds=crowd))["id"]
    bob = await make_user()
    live = await connect(ann)
    await watch(live, conversation)
    assert (
        await ann.client.put(f"{API}/conversations/{conversation}/members/{bob.id}", json={})
    ).status == 200
    await write(ann, conversation)
    await read(bob, conversation, 1)
    await live.next("message:created")
    await live.nothing("conversation:read", 0.3)


async def test_whoever_is_taken_out_while_they_connect_hears_nothing(
    service: Any, make_user: Any, connect: Any, monkeypatch: Any
) -> None:
    """The memberships are read before the removal, and its message arrives during the greeting."""
    ann, bob = await make_user(), await make_user()
    left, stays = await gather(ann, bob), await gather(ann, bob)
    read_them = sql.conversations.list_memberships

    async def read_slowly(conn: Any, **values: Any) -> Any:
        rows = await read_them(conn, **values)
        assert (await remove(ann, left, bob)).status == 204
        return rows

    monkeypatch.setattr(sql.conversations, "list_memberships", read_slowly)
    live = await connect(bob)
    await live.next("connected")
    for conversation in (left, stays):
        await write(ann, conversation)
    assert (await live.next("conversation:activity"))["data"]["id"] == stays


async def test_the_check_finds_who_is_not_there_any_more(service: Any, make_user: Any, connect: Any) -> None:
    """Even if no event told of the removal."""
    ann, bob = await make_user(), await make_user()
    conversation = await gather(ann, bob)
    lives = [await connect(ann), await connect(bob)]
    for live in lives:
        await watch(live, conversation)
    await service.db.pool.execute("DELETE FROM conversation_members WHERE user_id = $1", bob.id)
    find_conversations(service.app[NODE]).check_soon()
    assert (await lives[1].next("unsubscribed"))["data"] == {"room": f"conversation:{conversation}"}
    await lives[0].next("resync")
    assert "unsubscribed" not in [frame["event"] for frame in lives[0].frames]

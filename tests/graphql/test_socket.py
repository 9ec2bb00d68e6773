"""Subscriptions over graphql-transport-ws: live, resumed, and how their socket ends."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from nexcorp.graphql.execution import ENGINE
from nexcorp.realtime import protocol
from nexcorp.realtime.node import NODE
from nexcorp.security import tokens
from nexcorp.security.app_keys import REVOCATIONS, TOKENS
from tests.api import API, publish, say
from tests.conftest import wait_until
from tests.graphql.helpers import PATH, fetch, list_ids, make_news, open_talk, settle
from tests.realtime.helpers import store_frames

CREATED = """subscription ($after: String) {
  notificationCreated(after: $after) { id type cursor post { body } }
}"""
CHANGED = """subscription ($after: String) {
  notificationChanged(after: $after) { event seq epoch id notification { id isRead } data }
}"""
PLACE = "{ notificationFeed(limit: 1) { epoch seq } }"


async def find_place(user: Any) -> str:
    place = (await fetch(user, PLACE))["notificationFeed"]
    return f"{place['epoch']}/{place['seq']}"


@pytest.mark.shared
async def test_live_and_resumed_frames_are_the_same_in_order_and_once(
    service: Any, make_user: Any, client: Any, connect: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    start = await find_place(ann)
    native = await connect(ann)
    talk = await open_talk(client, ann)
    begun = await talk.begin()
    assert start == f"{begun['epoch']}/0"
    await talk.subscribe(CREATED)
    await talk.subscribe(CHANGED, "two")
    await wait_until(lambda: members(service, ann, 3))
    await make_news(service, ann, bob, 1)
    (first,) = await list_ids(ann)
    heard = {message["id"]: message["payload"] for message in [await talk.hear(), await talk.hear()]}
    created = heard["one"]["data"]["notificationCreated"]
    assert (created["id"], created["type"], created["post"]) == (first, "COMMENT", {"body": "Hello."})
    listed = (await fetch(ann, "{ getNotifications { cursor } }"))["getNotifications"]
    assert created["cursor"] == listed[0]["cursor"]
    assert heard["one"]["extensions"]["position"] == heard["two"]["extensions"]["position"]
    assert heard["one"]["extensions"]["position"] == f"{begun['epoch']}/1"
    changed = heard["two"]["data"]["notificationChanged"]
    frame = await native.next("notification:created")
    assert (changed["seq"], changed["data"], changed["id"]) == (1, frame["data"], first)
    await talk.say("complete", id="one")
    # Events that happen while one of the two subscriptions is completed.
    await wait_until(lambda: members(service, ann, 2))
    await fetch(ann, f'mutation {{ markAsRead(id: "{first}") {{ id }} }}')
    await settle(service)
    await make_news(service, ann, bob, 2)
    await fetch(ann, "mutation { markAllAsRead }")
    await settle(service)
    await fetch(ann, f'mutation {{ deleteNotification(id: "{first}") }}')
    live = [(await talk.hear())["payload"]["data"]["notificationChanged"] for _ in range(5)]
    assert [row["event"].partition(":")[2] for row in live] == [
        *("updated", "created", "created", "bulk-updated", "deleted"),
    ]
    assert [row["seq"] for row in live] == [2, 3, 4, 5, 6]
    assert (live[3]["data"]["updated"], live[3]["notification"], live[3]["id"]) == (2, None, None)
    assert (live[4]["id"], live[4]["notification"]) == (first, None)
    await talk.subscribe(CHANGED, "again", after=f"{begun['epoch']}/1")
    again = [(await talk.hear())["payload"]["data"]["notificationChanged"] for _ in range(5)]
    # A notification deleted by now is shown as deleted, as at /ws.
    assert [row["seq"] for row in again] == [2, 3, 4, 5, 6]
    assert [row["event"].partition(":")[2] for row in again][:2] == ["deleted", "created"]
    assert again[3:] == live[3:]
    # The resumed subscription goes on live.
    await make_news(service, ann, bob, 1)
    rest = [(await talk.hear())["payload"]["data"]["notificationChanged"]["seq"] for _ in range(2)]
    assert rest == [7, 7]
    # An answer shows the post as it is now, however old the subscription is.
    await talk.say("complete", id="two")
    await talk.say("complete", id="again")
    await talk.subscribe(CREATED, "posts")
    await wait_until(lambda: members(service, ann, 2))
    post = await publish(ann, "Before.")
    for body in ("Before.", "After."):
        await ann.client.patch(f"{API}/posts/{post['id']}", json={"body": body})
        await say(bob, post["id"])
        told = (await talk.hear())["payload"]["data"]["notificationCreated"]
        assert told["post"] == {"body": body}
    await talk.say("complete", id="posts")
    for after in (f"{begun['epoch']}/99", "elsewhere/1", f"{begun['epoch']}x/1"):
        await talk.subscribe(CREATED, "lost", after=after)
        assert await talk.refused("lost") == ("resume_lost", 409)
    for after in ("1", "/1", f"{begun['epoch']}/-1", f"{begun['epoch']}/" + "9" * 30):
        await talk.subscribe(CREATED, "wrong", after=after)
        assert await talk.refused("wrong") == ("validation_failed", 422)


async def members(service: Any, user: Any, count: int) -> bool:
    """Whether exactly `count` live members are in the user's own room."""
    room = service.app[NODE].hub.rooms.get(f"user:{user.id}")
    ready = [one for one in room.members.values() if one.buffer is None] if room is not None else []
    return len(ready) == count


@pytest.mark.shared
async def test_too_much_missed_is_lost_as_a_whole(service: Any, make_user: Any, client: Any) -> None:
    ann = await make_user()
    await store_frames(service.db, f"user:{ann.id}", protocol.MAX_RECOVERED + 1)
    epoch = service.app[NODE].positions.epoch
    talk = await open_talk(client, ann)
    await talk.begin()
    await talk.subscribe(CHANGED, "lost", after=f"{epoch}/0")
    assert await talk.refused("lost") == ("resume_lost", 409)
    await talk.subscribe(CHANGED, after=f"{epoch}/1")
    heard = [(await talk.hear())["payload"]["data"]["notificationChanged"] for _ in range(500)]
    assert [row["seq"] for row in heard] == list(range(2, protocol.MAX_RECOVERED + 2))
    assert {row["event"] for row in heard} == {"post:updated"}
    # A gap that cannot be filled ends the live subscription, not the socket.
    service.app[NODE].hub.drop_room(f"user:{ann.id}", protocol.RESYNC, "too far behind")
    assert await talk.refused() == ("resume_lost", 409)
    await talk.say("ping")
    await talk.hear("pong")


@pytest.mark.shared
async def test_the_protocol_is_kept(service: Any, make_user: Any, client: Any) -> None:
    ann = await make_user()
    stranger = await open_talk(client)
    await stranger.say("ping", payload={"n": 1})
    assert (await stranger.hear("pong"))["payload"] == {"n": 1}
    await stranger.subscribe(CREATED)
    assert await stranger.closed() == 4401
    for payload, code in (
        ({}, 4401),
        ({"token": "x"}, 4401),
        ({"Authorization": "Basic x"}, 4401),
        ({"token": 5}, 4401),
        ({"token": "nxk_" + "x" * 40}, 4403),
    ):
        talk = await open_talk(client)
        await talk.say("connection_init", payload=payload)
        assert await talk.closed() == code, payload
    for payload in ({"Authorization": ann.headers["Authorization"]}, {"token": ann.token}):
        talk = await open_talk(client)
        await talk.begin(**payload)
    await talk.subscribe("subscription { notificationCreated { nope } }")
    assert await talk.refused() == ("graphql_invalid", 400)
    for query in ("{ getUnreadCount }", "mutation { markAllAsRead }"):
        await talk.subscribe(query)
        assert await talk.refused() == ("graphql_invalid", 400)
    await talk.subscribe(CREATED, "zero")
    for number in range(9):
        await talk.subscribe(CREATED, str(number))
    await talk.subscribe(CREATED, "eleven")
    assert await talk.refused("eleven") == ("too_many_subscriptions", 429)
    await talk.subscribe(CREATED, "3")
    assert await talk.closed() == 4409
    for message, code in (
        ({"type": "connection_init"}, 4429),
        ({"type": "nonsense"}, 4400),
        ({"type": "subscribe", "id": "", "payload": {"query": CREATED}}, 4400),
        ({"type": "subscribe", "id": "x", "payload": {"query": 5}}, 4400),
        ({"type": "subscribe", "id": "x", "payload": {"query": CREATED, "variables": []}}, 4400),
        ([1], 4400),
    ):
        talk = await open_talk(client, ann)
        await talk.begin()
        await talk.ws.send_json(message)
        assert await talk.closed() == code, message
    talk = await open_talk(client, ann)
    await talk.ws.send_bytes(b"{}")
    assert await talk.closed() == 4400
    assert await wait_until(lambda: members(service, ann, 0))
    for options, status in (
        ({"protocols": ("graphql-ws",), "headers": ann.headers}, 400),
        ({"protocols": ("graphql-transport-ws",), "headers": {"Authorization": "Bearer x"}}, 401),
        ({"protocols": ("graphql-transport-ws",), "params": {"ticket": "x"}}, 401),
        (
            {"protocols": ("graphql-transport-ws",), "headers": {"Origin": "https://evil.example"}},
            403,
        ),
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(client.url + PATH, **options)
        assert refused.value.status == status, options
    ticket = await (await ann.client.post(f"{API}/auth/ticket", json={"purpose": "ws"})).json()
    await (await open_talk(client, ticket=ticket["ticket"])).begin()


@pytest.mark.shared
async def test_how_a_socket_ends(
    service: Any, make_user: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob, cat = await make_user(), await make_user(), await make_user()
    talks = [await open_talk(client, user) for user in (ann, bob)]
    for talk in talks:
        await talk.begin()
        await talk.subscribe(CREATED)
    await wait_until(lambda: members(service, bob, 1))
    assert (await ann.client.post(f"{API}/auth/logout")).status == 204
    assert await talks[0].closed() == 4401
    service.app[REVOCATIONS].announce(roles=[(bob.id, 2)])
    assert await talks[1].closed() == 4401
    # The token has expired by now.
    real = time.time
    brief = service.app[TOKENS].sign(
        user_id=cat.id, session_id=cat.session_id, role="member", role_version=1, platform="cli"
    )
    talk = await open_talk(client)
    await talk.begin(token=brief)
    (socket,) = service.app[NODE].hub.by_user[cat.id]
    monkeypatch.setattr("nexcorp.realtime.socket.time.time", lambda: real() + tokens.ACCESS_SECONDS + 1)
    socket.check(time.monotonic())
    monkeypatch.undo()
    assert await talk.closed() == 4401
    # An account may have ten sockets, of /ws and GraphQL together.
    full = [await open_talk(client, cat) for _ in range(11)]
    for talk in full[:10]:
        await talk.begin()
    await full[10].say("connection_init")
    answers = asyncio.gather(*(talk.ws.receive() for talk in full[:10]))
    assert await full[10].closed() == protocol.TOO_MANY_SOCKETS
    answers.cancel()
    for talk in full:
        await talk.ws.close()
    # Too many messages end the socket.
    await wait_until(lambda: none_left(service, cat))
    talk = await open_talk(client, cat)
    await talk.begin()
    for _ in range(60):
        await talk.say("ping")
    assert await talk.closed() == protocol.TOO_MANY_MESSAGES
    # A document that was not seen before counts as several messages.
    await wait_until(lambda: none_left(service, cat))
    talk = await open_talk(client, cat)
    await talk.begin()
    for number in range(12):
        await talk.subscribe(f"subscription {{ x{number} }}")
    assert await talk.closed() == protocol.TOO_MANY_MESSAGES


async def none_left(service: Any, user: Any) -> bool:
    return user.id not in service.app[NODE].hub.by_user


@pytest.mark.shared
async def test_who_says_nothing_is_sent_away(
    make_user: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexcorp.graphql.socket.INIT_SECONDS", 1.0)
    talk = await open_talk(client, await make_user())
    await talk.begin()
    assert await (await open_talk(client)).closed() == 4408
    await talk.say("ping")
    await talk.hear("pong")


@pytest.mark.shared
async def test_a_reader_that_stops_is_cut_off_and_keeps_nobody_waiting(
    service: Any, make_user: Any, client: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    slow, talk = await open_talk(client, ann), await open_talk(client, ann)
    for one in (slow, talk):
        await one.begin()
        await one.subscribe(CREATED)
    await wait_until(lambda: members(service, ann, 2))
    node = service.app[NODE]
    listener = next(iter(node.hub.rooms[f"user:{ann.id}"].members))
    listener._bytes = 2**21
    post = await publish(ann)
    await say(bob, post["id"])
    await talk.hear()
    await wait_until(lambda: only_left(service, ann))
    assert listener.socket.closing


@pytest.mark.shared
async def test_who_loses_the_permission_hears_no_more(service: Any, make_user: Any, client: Any) -> None:
    ann, node = await make_user(role="manager"), service.app[NODE]
    talk = await open_talk(client, ann)
    await talk.begin()
    await talk.subscribe(CREATED)
    await wait_until(lambda: members(service, ann, 1))
    rights = [{"role": role, "permissions": ["post:read"]} for role in ("admin", "manager", "member")]
    try:
        node.load_rights(rights)
        assert await talk.refused() == ("permission_required", 403)
        await talk.subscribe(CREATED)
        assert await talk.refused() == ("permission_required", 403)
    finally:
        await node.reload_rights()


@pytest.mark.shared
async def test_a_subscription_that_crashes_is_told_and_frees_its_place(
    service: Any, make_user: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await open_talk(client, await make_user())
    await talk.begin()

    async def crash(*values: Any) -> Any:
        yield {"data": object}

    with monkeypatch.context() as patched:
        patched.setattr(service.app[ENGINE], "stream", crash)
        for _ in range(2):
            await talk.subscribe(CREATED)
            assert await talk.refused() == ("internal_error", 500)
    # The socket and the id are as good as before.
    await talk.subscribe(CREATED)
    await talk.say("ping")
    await talk.hear("pong")


async def only_left(service: Any, user: Any) -> bool:
    return len(service.app[NODE].hub.by_user[user.id]) == 1

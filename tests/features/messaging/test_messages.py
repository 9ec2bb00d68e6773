"""Conversations and messages: who may see and change them, and their order."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.api import API, NOBODY, create, fetch_value, get_json, refused
from tests.features.messaging.helpers import gather, history, read, remove, talk, unread, write

pytestmark = pytest.mark.shared


async def test_two_people_have_one_conversation_whoever_opens_it(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    openings = [
        user.client.post(f"{API}/conversations", json={"userId": str(other.id)})
        for user, other in [(ann, bob), (bob, ann)] * 10
    ]
    answers = await asyncio.gather(*openings)
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({(await answer.json())["id"] for answer in answers}) == 1
    found = await answers[0].json()
    assert (found["kind"], found["memberCount"], found["unread"], found["lastMessage"]) == (
        "direct",
        2,
        0,
        None,
    )
    assert found["person"]["id"] == str(bob.id)
    notes = await create(ann, "/conversations", userId=str(ann.id))
    assert (notes["memberCount"], notes["role"], notes["person"]["id"]) == (1, "owner", str(ann.id))
    await refused(ann.client.post(f"{API}/conversations", json={"userId": NOBODY}), 404, "user_not_found")
    for body in ({}, {"title": "x", "userId": str(bob.id)}, {"userIds": [str(bob.id)]}, {"title": " "}):
        await refused(ann.client.post(f"{API}/conversations", json=body), 422, "validation_failed")


async def test_messages_have_numbers_and_an_id_is_sent_once(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    conversation = await talk(ann, bob)
    chosen = str(uuid4())
    first = await write(ann, conversation, id=chosen)
    assert (first["id"], first["n"], first["author"]["id"]) == (chosen, 1, str(ann.id))
    again = await ann.client.post(
        f"{API}/conversations/{conversation}/messages", json={"id": chosen, "body": "Hello."}
    )
    assert again.status == 200
    assert await again.json() == first
    # An id of another user's message, or of another conversation's, is taken.
    path = f"{API}/conversations/{conversation}/messages"
    await refused(bob.client.post(path, json={"id": chosen, "body": "Mine."}), 409, "message_id_taken")
    elsewhere = f"{API}/conversations/{await gather(ann)}/messages"
    await refused(ann.client.post(elsewhere, json={"id": chosen, "body": "Mine."}), 409, "message_id_taken")
    answer = await write(bob, conversation, replyToId=chosen)
    assert (answer["n"], answer["replyTo"]["excerpt"]) == (2, "Hello.")
    assert await unread(ann, conversation) == 1
    assert (await read(ann, conversation, 10**9))["readN"] == 2
    assert (await read(ann, conversation, 1))["readN"] == 2
    assert await unread(ann, conversation) == 0
    for body in ({}, {"body": " "}, {"body": "x" * 10_001}, {"body": "x", "replyToId": NOBODY}):
        await refused(ann.client.post(path, json=body), 422, "validation_failed")


async def test_history_is_read_from_any_place(service: Any, make_user: Any) -> None:
    ann = await make_user()
    conversation = await gather(ann)
    for _ in range(7):
        await write(ann, conversation)
    path = f"/conversations/{conversation}/messages"
    for query, numbers, older, newer in (
        ("?limit=3", [5, 6, 7], True, False),
        ("?before=5&limit=3", [2, 3, 4], True, True),
        ("?before=3", [1, 2], False, True),
        ("?after=5", [6, 7], True, False),
        ("?after=0&limit=2", [1, 2], False, True),
        ("?around=4&limit=1", [4], True, True),
        ("?around=4&limit=2", [3, 4], True, True),
        ("?around=4&limit=3", [3, 4, 5], True, True),
        ("?around=1&limit=4", [1, 2], False, True),
        ("?around=7&limit=4", [5, 6, 7], True, False),
        ("?around=9&limit=2", [6, 7], True, False),
        ("?after=6&limit=1", [7], True, False),
        ("?after=7", [], True, False),
        ("?after=70", [], True, False),
        ("?before=1", [], False, True),
    ):
        found = await get_json(ann.client, path + query)
        shown = ([one["n"] for one in found["data"]], found["hasOlder"], found["hasNewer"])
        assert shown == (numbers, older, newer), query
    await refused(ann.client.get(f"{API}{path}?before=1&after=2"), 422, "validation_failed")
    for query in ("", "?after=7", "?before=7", "?around=7"):
        found = await get_json(ann.client, f"/conversations/{await gather(ann)}/messages{query}")
        assert (found["data"], found["hasOlder"], found["hasNewer"]) == ([], False, False), query


async def test_only_its_author_changes_a_message_and_what_is_deleted_keeps_its_number(
    service: Any, make_user: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    conversation = await gather(ann, bob)
    message = await write(bob, conversation, "A frst try.")
    path = f"{API}/messages/{message['id']}"
    await refused(ann.client.patch(path, json={"body": "Mine."}), 403, "not_your_message")
    changed = await bob.client.patch(path, json={"body": "A first try.", "version": 1})
    assert changed.status == 200
    row = await changed.json()
    assert (row["body"], row["version"], row["editedAt"] is not None) == ("A first try.", 2, True)
    await refused(bob.client.patch(path, json={"body": "Old.", "version": 1}), 409, "stale_version")
    stale = {"If-Match": '"1"'}
    await refused(bob.client.patch(path, json={"body": "Old."}, headers=stale), 412, "stale_version")
    await refused(bob.client.patch(path, json={"body": ""}), 422, "validation_failed")
    answer = await write(ann, conversation, replyToId=message["id"])
    # Ann is an owner of the group.
    assert (await ann.client.delete(path)).status == 204
    left = await get_json(ann.client, f"/messages/{message['id']}")
    assert (left["n"], left["deleted"], left["body"], left["reactions"]) == (1, True, None, [])
    assert (await get_json(ann.client, f"/messages/{answer['id']}"))["replyTo"]["excerpt"] is None
    await refused(bob.client.patch(path, json={"body": "Back."}), 404, "message_not_found")
    await refused(bob.client.delete(path), 404, "message_not_found")
    body = {"body": "x", "replyToId": message["id"]}
    await refused(ann.client.post(f"{API}/conversations/{conversation}/messages", json=body), 422)
    assert (
        await fetch_value(service, "SELECT count(*) FROM messages WHERE body ~ 'first' OR words @@ 'first'")
        == 0
    )


async def test_reactions(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    message = await write(ann, await talk(ann, bob))
    path = f"{API}/messages/{message['id']}/reactions"
    for user in (ann, bob, bob):
        answer = await user.client.put(f"{path}/👍🏽")
        assert answer.status == 200, await answer.text()
    assert (await answer.json())["reactions"] == [{"emoji": "👍🏽", "count": 2, "mine": True}]
    answer = await bob.client.delete(f"{path}/👍🏽")
    assert (await answer.json())["reactions"] == [{"emoji": "👍🏽", "count": 1, "mine": False}]
    for text in ("abc", "1", "%20", "👍a", "👍" * 40, "%E2%80%8B"):
        await refused(ann.client.put(f"{path}/{text}"), 422, "validation_failed")
    for text in ("❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩‍👩‍👧", "⭐", "🫩"):
        assert (await ann.client.put(f"{path}/{text}")).status == 200, text
    for number in range(13):
        assert (await ann.client.put(f"{path}/{chr(0x1F400 + number)}")).status == 200
    await refused(ann.client.put(f"{path}/🎈"), 409, "too_many_reactions")
    assert (await bob.client.put(f"{path}/⭐")).status == 200


async def test_members_come_and_go(service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    conversation = await gather(ann, bob)
    path = f"{API}/conversations/{conversation}"
    await write(ann, conversation)
    assert (await bob.client.put(f"{path}/members/{eve.id}", json={})).status == 200
    # To a new member all older messages count as read, and can be read.
    assert await unread(eve, conversation) == 0
    assert await history(eve, conversation) == [1]
    await refused(bob.client.put(f"{path}/members/{eve.id}", json={"role": "owner"}), 403)
    await refused(bob.client.patch(path, json={"title": "Mine"}), 403, "not_your_conversation")
    await refused(remove(bob, conversation, eve), 403, "not_your_conversation")
    await refused(remove(ann, conversation, await make_user()), 404, "not_in_conversation")
    await refused(ann.client.put(f"{path}/members/{ann.id}", json={}), 409, "owner_needed")
    changed = await ann.client.patch(path, json={"title": "Another", "version": 1})
    assert ((await changed.json())["title"], changed.headers["ETag"][:3]) == ("Another", '"2-')
    # The last owner leaves: the eldest follows.
    assert (await remove(ann, conversation, ann)).status == 204
    await refused(ann.client.get(path), 404, "conversation_not_found")
    members = (await get_json(bob.client, f"/conversations/{conversation}/members"))["data"]
    assert [(one["user"]["id"], one["role"]) for one in members] == [
        (str(bob.id), "owner"),
        (str(eve.id), "member"),
    ]
    assert (await bob.client.delete(path)).status == 204
    await refused(eve.client.get(path), 404, "conversation_not_found")
    direct = f"{API}/conversations/{await talk(bob, eve)}"
    for refusal in (
        bob.client.delete(direct),
        bob.client.patch(direct, json={"title": "Ours"}),
        bob.client.put(f"{direct}/members/{ann.id}", json={}),
        bob.client.delete(f"{direct}/members/{bob.id}"),
    ):
        await refused(refusal, 409, "direct_conversation")


async def test_a_stranger_gets_nowhere(service: Any, client: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user(role="admin")
    conversation = await talk(ann, bob)
    message = await write(ann, conversation, "Between us.")
    path, of_message = f"{API}/conversations/{conversation}", f"{API}/messages/{message['id']}"
    for call in (
        eve.client.get(path),
        eve.client.get(f"{path}/messages"),
        eve.client.get(f"{path}/members"),
        eve.client.get(f"{path}/receipts?n=1"),
        eve.client.post(f"{path}/messages", json={"body": "Hi."}),
        eve.client.put(f"{path}/read", json={"n": 1}),
        eve.client.put(f"{path}/settings", json={"level": "none"}),
        eve.client.put(f"{path}/members/{eve.id}", json={"role": "owner"}),
        eve.client.get(f"{API}/messages/search?q=us&conversation={conversation}"),
    ):
        await refused(call, 404, "conversation_not_found")
    for call in (
        eve.client.get(of_message),
        eve.client.patch(of_message, json={"body": "x"}),
        eve.client.delete(of_message),
        eve.client.put(f"{of_message}/reactions/⭐"),
        eve.client.delete(f"{of_message}/reactions/⭐"),
    ):
        await refused(call, 404, "message_not_found")
    # Nor can a reply quote a message of another conversation.
    own = await gather(eve)
    body = {"body": "x", "replyToId": message["id"]}
    error = await refused(eve.client.post(f"{API}/conversations/{own}/messages", json=body), 422)
    assert list(error["errors"]) == ["replyToId"]
    assert (await get_json(eve.client, "/messages/search?q=between"))["data"] == []
    events = await get_json(eve.client, "/events?type=message.created")
    assert any(one["entityId"] == message["id"] for one in events["data"])
    assert "Between" not in str(events)


async def test_a_key_that_may_only_write_reads_nothing(service: Any, client: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    conversation = await talk(ann, bob)
    message = await write(bob, conversation, "Between us.")
    own = await write(ann, conversation, "Of her own.", replyToId=message["id"])
    key = (await create(ann, "/auth/api-keys", name="writes", scopes=["message:create"]))["key"]
    sender = client.as_user({"Authorization": f"Bearer {key}"})
    opened = await sender.post(f"{API}/conversations", json={"userId": str(bob.id)})
    assert (await opened.json())["lastMessage"] is None
    path = f"{API}/conversations/{conversation}"
    sent = await sender.post(f"{path}/messages", json={"body": "Hi.", "replyToId": message["id"]})
    assert (sent.status, (await sent.json())["replyTo"]["excerpt"]) == (201, None)
    # Changing something that exists needs the scope to read it.
    for call in (
        sender.patch(path, json={"title": "x"}),
        sender.put(f"{path}/members/{bob.id}", json={}),
        sender.patch(f"{API}/messages/{own['id']}", json={"body": "x"}),
        sender.put(f"{API}/messages/{message['id']}/reactions/⭐"),
        sender.delete(f"{API}/messages/{message['id']}/reactions/⭐"),
    ):
        await refused(call, 403, "permission_required")


async def test_whoever_is_blocked_does_not_write(service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    conversation = await talk(ann, bob)
    message = await write(bob, conversation)
    for path in (f"{API}/users/{bob.id}/block",):
        assert await (await ann.client.put(path)).json() == {"blocked": True}
        assert await (await ann.client.get(path)).json() == {"blocked": True}
    assert await (await bob.client.get(f"{API}/users/{ann.id}/block")).json() == {"blocked": False}
    for user in (ann, bob):
        await refused(
            user.client.post(f"{API}/conversations/{conversation}/messages", json={"body": "x"}),
            403,
            "blocked",
        )
    for call in (
        bob.client.patch(f"{API}/messages/{message['id']}", json={"body": "x"}),
        bob.client.put(f"{API}/messages/{message['id']}/reactions/⭐"),
        bob.client.post(f"{API}/conversations", json={"title": "x", "userIds": [str(ann.id)]}),
    ):
        await refused(call, 403, "blocked")
    assert await history(bob, conversation) == [1]
    await refused(eve.client.put(f"{API}/users/{eve.id}/block"), 422, "validation_failed")
    await refused(eve.client.put(f"{API}/users/{NOBODY}/block"), 404, "user_not_found")
    await eve.client.put(f"{API}/users/{ann.id}/block")
    await refused(ann.client.post(f"{API}/conversations", json={"userId": str(eve.id)}), 403, "blocked")
    assert await (await ann.client.delete(f"{API}/users/{bob.id}/block")).json() == {"blocked": False}
    await write(bob, conversation)
    # A deactivated user cannot be written to.
    await service.db.pool.execute("UPDATE users SET status = 'deactivated' WHERE id = $1", bob.id)
    path = f"{API}/conversations/{conversation}/messages"
    await refused(ann.client.post(path, json={"body": "x"}), 409, "recipient_gone")


async def test_receipts_and_the_lists_of_what_is_unread(service: Any, make_user: Any) -> None:
    ann, bob, eve, gone = [await make_user() for _ in range(4)]
    group, direct = await gather(ann, bob, eve, gone), await talk(ann, bob)
    await service.db.pool.execute("UPDATE users SET status = 'deactivated' WHERE id = $1", gone.id)
    for number in range(3):
        await write(ann, group, str(number))
    await write(ann, direct)
    path = f"/conversations/{group}"
    assert (await bob.client.put(f"{API}{path}/delivered", json={"n": 3})).status == 200
    await read(bob, group, 2)
    await read(eve, group, 3)
    found = await get_json(ann.client, f"{path}/receipts?n=3")
    assert (found["people"], found["delivered"], found["read"]) == (2, 2, 1)
    assert [(one["delivered"], one["read"]) for one in found["data"]] == [(True, False), (True, True)]
    await refused(ann.client.get(f"{API}{path}/receipts?n=4"), 404, "message_not_found")
    assert await get_json(bob.client, "/conversations/unread") == {"messages": 2, "conversations": 2}
    until = "2099-01-01T00:00:00Z"
    saved = await bob.client.put(f"{API}{path}/settings", json={"level": "mentions", "mutedUntil": until})
    assert (await saved.json())["level"] == "mentions"
    assert await get_json(bob.client, "/conversations/unread") == {"messages": 1, "conversations": 1}
    # A mute cannot end in the past, or at a time without a place in UTC.
    for until in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00Z"):
        await refused(bob.client.put(f"{API}{path}/settings", json={"mutedUntil": until}), 422)
    await refused(bob.client.put(f"{API}{path}/settings", json={}), 422)
    page = (await get_json(bob.client, "/conversations"))["data"]
    assert [(one["id"], one["unread"], one["lastMessage"]["n"]) for one in page] == [
        (direct, 1, 1),
        (group, 1, 3),
    ]
    assert page[1]["mutedUntil"] is not None

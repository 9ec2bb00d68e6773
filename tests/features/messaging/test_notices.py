"""Notifications of messages that waited: one per absence, and none for people who do not want them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import API, create, fetch, fetch_value, gather_crowd, get_json, outbox_empty
from tests.conftest import wait_until
from tests.features.messaging.helpers import gather, hasten, read, talk, write

pytestmark = pytest.mark.shared


async def told(service: Any, *people: Any) -> list[int]:
    """Each user's number of message notifications, once all waiting ones are delivered."""
    waiting = "SELECT count(*) = 0 FROM outbox WHERE receivers_after IS NULL"
    await wait_until(lambda: fetch_value(service, waiting))
    await hasten(service)
    await wait_until(lambda: outbox_empty(service))
    counts = []
    for one in people:
        page = await get_json(one.client, "/notifications?type=message")
        counts.append(len(page["data"]))
    return counts


async def test_one_who_does_not_read_is_notified_once_until_they_do(service: Any, make_user: Any) -> None:
    ann, bob = await make_user(), await make_user()
    conversation = await talk(ann, bob)
    await write(ann, conversation, "A first text.")
    waits = await wait_until(
        lambda: fetch(
            service, "SELECT next_at - event_at AS wait FROM outbox WHERE receivers_after IS NOT NULL"
        )
    )
    assert [row["wait"].total_seconds() for row in waits] == [10.0]
    await write(ann, conversation, "A second text.")
    assert await told(service, ann, bob) == [0, 1]
    await write(ann, conversation, "A third text.")
    assert await told(service, bob) == [1]
    notice = (await get_json(bob.client, "/notifications?type=message"))["data"][0]
    assert (notice["title"], notice["message"]) == (f"{ann.username} wrote to you", "A first text.")
    assert notice["entity"]["type"] == "message"
    # Back, and away again.
    await read(bob, conversation, 3)
    await write(ann, conversation, "A fourth text.")
    assert await told(service, bob) == [2]
    # Read in time: nothing.
    await write(bob, conversation, "An answer.")
    await read(ann, conversation, 5)
    assert await told(service, ann) == [0]
    # A message deleted meanwhile notifies nobody.
    message = await write(bob, conversation, "Sent by mistake.")
    await ann.client.get(f"{API}/conversations")
    assert (await bob.client.delete(f"{API}/messages/{message['id']}")).status == 204
    assert await told(service, ann) == [0]
    await write(bob, conversation, "Sent on purpose.")
    assert await told(service, ann) == [1]
    trace = await get_json(ann.client, f"/notifications/{await last_of(ann)}/trace")
    assert "conversation" in str(trace)


async def last_of(user: Any) -> str:
    """The id of the user's newest notification."""
    found: str = (await get_json(user.client, "/notifications"))["data"][0]["id"]
    return found


async def badge(user: Any) -> int:
    """The user's number of unread notifications."""
    count: int = (await get_json(user.client, "/notifications/unread-count"))["count"]
    return count


async def test_what_is_read_in_a_conversation_is_read_in_the_bell(
    service: Any, make_user: Any, connect: Any
) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    group, pair = await gather(ann, bob, eve), await talk(ann, bob)
    tab = await connect(bob)
    for place in (group, pair):
        for _ in range(2):
            await write(ann, place)
    assert await told(service, bob, eve) == [2, 1]
    assert [await badge(bob), await badge(eve)] == [2, 1]
    # Read on a device; delivery to a device is not enough.
    await bob.client.put(f"{API}/conversations/{group}/delivered", json={"n": 2})
    assert await badge(bob) == 2
    await read(bob, group, 1)
    assert await badge(bob) == 1
    assert (await tab.next("notification:updated"))["data"]["isRead"]
    while (await tab.next("unread-count"))["data"]["count"] != 1:
        pass
    # Writing a message marks the conversation read, muted or not.
    path = f"{API}/conversations/{pair}/settings"
    await bob.client.put(path, json={"level": "none"})
    await write(bob, pair)
    assert await badge(bob) == 0
    await bob.client.put(path, json={"level": "all"})
    # Read in the conversation first, then marked as read again: counted once.
    await read(bob, group, 2)
    assert await badge(bob) == 0
    # Deleting the only messages also clears the notification; the next message makes a new one.
    mistakes = [await write(ann, pair) for _ in range(2)]
    assert await told(service, bob) == [3]
    for message, left in zip(mistakes, (1, 0), strict=True):
        assert (await ann.client.delete(f"{API}/messages/{message['id']}")).status == 204
        assert await badge(bob) == left
    await write(ann, pair)
    assert await told(service, bob) == [4]
    await read(bob, pair, 6)
    # Losing access also clears the notification.
    assert (await ann.client.delete(f"{API}/conversations/{group}/members/{eve.id}")).status == 204
    assert await badge(eve) == 0


async def test_nobody_is_told_who_does_not_want_it(service: Any, make_user: Any) -> None:
    ann, bob, eve, kim, lea, max_ = [await make_user() for _ in range(6)]
    group = await gather(ann, bob, eve, kim, lea, max_)
    path = f"{API}/conversations/{group}/settings"
    for user, settings in (
        (bob, {"level": "none"}),
        (eve, {"level": "mentions"}),
        (kim, {"mutedUntil": "2099-01-01T00:00:00Z"}),
    ):
        assert (await user.client.put(path, json=settings)).status == 200
    await lea.client.put(f"{API}/users/{ann.id}/block")
    await write(ann, group, "To all of you.")
    assert await told(service, bob, eve, kim, lea, max_) == [0, 0, 0, 0, 1]
    await write(ann, group, f"And you, @{eve.username}, @{bob.username}?")
    assert await told(service, bob, eve, kim, lea, max_) == [0, 1, 0, 0, 1]


async def test_large_groups_tell_of_mentions(service: Any, client: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    crowd = [str(user_id) for user_id, _ in await gather_crowd(service, client, 19, prefix="large")]
    people = [str(bob.id), str(eve.id), *crowd]
    group = (await create(ann, "/conversations", title="All", userIds=people))["id"]
    assert (await get_json(bob.client, f"/conversations/{group}"))["level"] == "mentions"
    await eve.client.put(f"{API}/conversations/{group}/settings", json={"level": "all"})
    await write(ann, group, "Hello to all.")
    assert await told(service, bob, eve) == [0, 1]
    await write(ann, group, f"Hello to @{bob.username}.")
    assert await told(service, bob, eve) == [1, 1]


async def test_whoever_was_taken_out_or_blocked_later_is_not_told(service: Any, make_user: Any) -> None:
    ann, bob, eve = await make_user(), await make_user(), await make_user()
    group = await gather(ann, bob, eve)
    await write(ann, group)
    await ann.client.delete(f"{API}/conversations/{group}/members/{bob.id}")
    await eve.client.put(f"{API}/users/{ann.id}/block")
    assert await told(service, bob, eve) == [0, 0]

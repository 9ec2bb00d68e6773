"""A frame shows a thing as it is when it is shown: live, in a replay, and after a loss in Redis.

An edited thing shows its newest text; a deleted one, or one that left the room, is shown as deleted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from nexcorp.realtime import bus
from nexcorp.realtime.node import NODE
from tests.api import API, fetch, get_json, publish, say
from tests.conftest import Live
from tests.features.throwaway.conftest import config, give, make_shelf, product
from tests.realtime.helpers import subscribe
from tests.realtime.replays import delivered, render, replay, replay_own
from workers.delivery import Delivery

__all__ = ["config", "make_shelf", "product"]

SECRET = "the words that were taken back"


def show(frames: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Return the event of each frame, and these members of its data."""
    return [(frame["event"], *(frame["data"].get(name) for name in names)) for frame in frames]


@pytest.fixture
async def live(make_user: Any, connect: Any) -> Live:
    """The socket of a new user."""
    live: Live = await connect(await make_user())
    await live.next("unread-count")
    return live


@pytest.fixture
def gate(monkeypatch: Any) -> Iterator[asyncio.Event]:
    """An event: while it is cleared, workers deliver nothing; later everything goes in one batch."""
    deliver, gate = Delivery.deliver_batch, asyncio.Event()
    gate.set()

    async def wait(self: Delivery) -> int:
        await gate.wait()
        return await deliver(self)

    monkeypatch.setattr(Delivery, "deliver_batch", wait)
    yield gate
    gate.set()


@pytest.fixture
def lossy(monkeypatch: Any) -> None:
    """Frames that workers push are dropped; nodes read them from PostgreSQL."""
    push = bus.Publisher.publish

    async def drop(self: Any, payloads: Any) -> None:
        if payloads and payloads[0][0] != bus.FRAMES_CHANNEL:
            await push(self, payloads)

    monkeypatch.setattr(bus.Publisher, "publish", drop)


async def test_an_edited_post_shows_its_newest_text_everywhere(
    make_user: Any, service: Any, live: Live
) -> None:
    ann = await make_user()
    post = await publish(ann, body=SECRET, title="Old")
    for change in ({"title": "New"}, {"body": "Harmless"}):
        assert (await ann.client.patch(f"{API}/posts/{post['id']}", json=change)).status == 200
    await delivered(service)
    frames = await replay(live, service, f"profile:{ann.id}")
    newest = ("New", "Harmless", 3)
    shown = show(frames, "title", "body", "version")
    assert shown == [(event, *newest) for event in ("post:created", "post:updated", "post:updated")]
    now = await get_json(ann.client, f"/posts/{post['id']}")
    del now["liked"], now["interested"], now["projectId"]
    assert all(frame["data"] == now for frame in frames)


async def test_a_deleted_post_is_shown_as_deleted_wherever_it_was(
    make_user: Any, service: Any, live: Live
) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann, body=SECRET)
    room = f"post:{post['id']}"
    comment = await say(bob, post["id"], SECRET)
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    await ann.client.patch(f"{API}/posts/{post['id']}", json={"title": SECRET})
    await delivered(service)
    watching = await subscribe(live, room)
    assert (await ann.client.delete(f"{API}/posts/{post['id']}")).status == 204
    assert (await live.next("post:deleted"))["data"] == {"id": post["id"]}
    await delivered(service)
    gone = {"id": post["id"]}
    frames = await replay(live, service, f"profile:{ann.id}")
    assert [(frame["event"], frame["data"]) for frame in frames] == [("post:deleted", gone)] * 3
    # Nobody can join the room of a deleted post; its former members get this replay.
    frames = await render(service, room)
    assert [(frame["event"], frame["data"]) for frame in frames] == [
        ("comment:deleted", {"id": comment["id"], "postId": post["id"]}),
        *[("post:deleted", gone)] * 3,
    ]
    assert len(frames) == watching["seq"] + 1
    assert SECRET not in json.dumps(frames)


async def test_what_is_a_draft_is_nobodys_to_see(make_user: Any, service: Any, live: Live) -> None:
    """A frame shows only what the room may see at the moment it is shown, however the draft came to be."""
    ann, bob = await make_user(role="manager"), await make_user()
    post = await publish(ann, type="announcement", title="Soon", body=SECRET)
    comment = await say(bob, post["id"], SECRET)
    await delivered(service)
    shown = await replay(live, service, f"post:{post['id']}")
    assert show(shown, "body") == [("comment:created", SECRET)]
    assert (
        await ann.client.put(f"{API}/posts/{post['id']}/status", json={"status": "archived"})
    ).status == 200
    await delivered(service)
    # The post is in no list any more, but can still be read by its id.
    gone = [("post:deleted", {"id": post["id"]})] * 2
    frames = await replay(live, service, f"profile:{ann.id}")
    assert [(frame["event"], frame["data"]) for frame in frames] == gone
    frames = await replay(live, service, f"post:{post['id']}")
    assert show(frames, "status", "body")[-1] == ("post:updated", "archived", SECRET)
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE posts SET status = 'draft' WHERE id = $1::text::uuid", post["id"])
    frames = await render(service, f"post:{post['id']}")
    assert show(frames, "id", "body") == [
        ("comment:deleted", comment["id"], None),
        ("post:deleted", post["id"], None),
    ]
    frames = await replay(live, service, f"profile:{ann.id}")
    assert [(frame["event"], frame["data"]) for frame in frames] == gone


async def test_the_name_of_who_left_is_in_no_frame(make_user: Any, service: Any, live: Live) -> None:
    ann, bob = await make_user(), await make_user("zebulon")
    post = await publish(ann)
    await say(bob, post["id"], "Goodbye.")
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    await delivered(service)
    assert (await bob.client.delete(f"{API}/users/me")).status == 204
    await delivered(service)
    frames = await replay(live, service, f"post:{post['id']}")
    assert show(frames, "body")[0] == ("comment:created", "Goodbye.")
    assert frames[0]["data"]["author"]["lastName"] == "member"
    inbox = await replay_own(ann, service)
    assert len(inbox) == 2
    assert all(frame["data"]["title"].startswith("Former member ") for frame in inbox)
    assert "zebulon" not in json.dumps(frames + inbox)


async def test_comments_and_counters_are_as_they_are_now(make_user: Any, service: Any, live: Live) -> None:
    ann, bob = await make_user(), await make_user()
    post = await publish(ann, type="project", title="A project")
    room, path = f"post:{post['id']}", f"{API}/posts/{post['id']}"
    kept, gone = await say(bob, post["id"], SECRET), await say(bob, post["id"], SECRET)
    reply = await say(ann, post["id"], SECRET, parent=gone["id"])
    await bob.client.put(f"{path}/like")
    await bob.client.put(f"{path}/interest")
    await delivered(service)
    await subscribe(live, room)
    assert (await bob.client.patch(f"{API}/comments/{kept['id']}", json={"body": "Harmless"})).status == 200
    changed = (await live.next("comment:updated"))["data"]
    assert (changed["body"], changed["commentCount"]) == ("Harmless", 3)
    assert (await bob.client.delete(f"{API}/comments/{gone['id']}")).status == 204
    emptied = (await live.next("comment:updated"))["data"]
    empty = {"body": None, "author": None, "deleted": True, "version": 2, "updatedAt": emptied["updatedAt"]}
    assert emptied == gone | empty | {"commentCount": 2, "countsVersion": 6}
    frames = await render(service, room)
    assert show(frames, "id", "deleted", "body")[1] == ("comment:created", gone["id"], True, None)
    # The placeholder is deleted with its last reply.
    assert (await ann.client.delete(f"{API}/comments/{reply['id']}")).status == 204
    for comment in (reply, gone):
        told = (await live.next("comment:deleted"))["data"]
        counts = {"commentCount": 1, "countsVersion": 7}
        assert told == {"id": comment["id"], "postId": post["id"], **counts}
    await ann.client.put(f"{path}/like")
    await delivered(service)
    frames = await replay(live, service, room)
    assert show(frames, "id", "body", "commentCount", "likeCount", "interestCount") == [
        ("comment:created", kept["id"], "Harmless", 1, None, None),
        ("comment:deleted", gone["id"], None, None, None, None),
        ("comment:deleted", reply["id"], None, None, None, None),
        ("post:liked", None, None, None, 2, None),
        ("post:updated", post["id"], None, None, None, 1),
        ("comment:updated", kept["id"], "Harmless", 1, None, None),
        ("comment:deleted", gone["id"], None, None, None, None),
        ("comment:deleted", reply["id"], None, 1, None, None),
        ("comment:deleted", gone["id"], None, 1, None, None),
        ("post:liked", None, None, None, 2, None),
    ]
    assert SECRET not in json.dumps(frames)


async def test_what_another_release_names_does_not_keep_a_room_from_being_replayed(
    make_user: Any, service: Any, live: Live
) -> None:
    ann = await make_user()
    post = await publish(ann)
    for _ in range(2):
        await ann.client.put(f"{API}/posts/{post['id']}/like")
        await ann.client.delete(f"{API}/posts/{post['id']}/like")
    await delivered(service)
    await fetch(service, "UPDATE room_frames SET members = '{likeCount,shareCount}' WHERE seq = 2")
    frames = await replay(live, service, f"post:{post['id']}")
    assert show(frames, "likeCount", "shareCount") == [("post:liked", 0, None)] * 4


async def move(user: Any, badge: dict[str, Any], shelf: str) -> dict[str, Any]:
    answer = await user.client.patch(f"{API}/badges/{badge['id']}", json={"shelfId": shelf, "name": SECRET})
    assert answer.status == 200
    moved: dict[str, Any] = await answer.json()
    return moved


async def test_what_left_the_room_is_deleted_there_live_and_when_resumed(
    make_user: Any, make_shelf: Any, service: Any, live: Live, connect: Any
) -> None:
    ann = await make_user(role="manager")
    shelf, closed = await make_shelf(ann), await make_shelf(ann, open=False)
    owning = await connect(ann)
    await subscribe(live, f"shelf:{shelf}")
    await subscribe(owning, f"shelf:{closed}")
    badge = await give(ann, ann, shelf)
    assert (await live.next("badge:created"))["data"] == badge
    moved = await move(ann, badge, closed)
    gone = {"id": badge["id"]}
    assert (await live.next("badge:deleted"))["data"] == gone
    assert (await owning.next("badge:created"))["data"] == moved
    frames = await replay(live, service, f"shelf:{shelf}")
    assert [(frame["event"], frame["data"]) for frame in frames] == [("badge:deleted", gone)] * 2
    # Moved back, it shows its present name, never the one it had where nobody could see it.
    assert (await ann.client.patch(f"{API}/badges/{badge['id']}", json={"name": "Open"})).status == 200
    back = await ann.client.patch(f"{API}/badges/{badge['id']}", json={"shelfId": shelf})
    assert back.status == 200
    await delivered(service)
    frames = await replay(live, service, f"shelf:{shelf}")
    assert show(frames, "name") == [
        ("badge:created", "Open"),
        ("badge:updated", "Open"),
        ("badge:created", "Open"),
    ]
    frames = await replay(owning, service, f"shelf:{closed}")
    assert [(frame["event"], frame["data"]) for frame in frames] == [("badge:deleted", gone)] * 3


async def test_what_left_the_room_before_it_was_pushed_is_never_shown_there(
    make_user: Any, make_shelf: Any, service: Any, live: Live, gate: asyncio.Event
) -> None:
    """The worker is late: when it sends the frame of "created", the badge has left the room."""
    ann = await make_user(role="manager")
    shelf, closed = await make_shelf(ann), await make_shelf(ann, open=False)
    await subscribe(live, f"shelf:{shelf}")
    gate.clear()
    badge = await give(ann, ann, shelf, SECRET)
    await move(ann, badge, closed)
    gate.set()
    frames = [await live.next("badge:deleted") for _ in range(2)]
    assert [frame["data"] for frame in frames] == [{"id": badge["id"]}] * 2
    assert SECRET not in json.dumps(live.frames)


async def test_what_left_the_room_is_deleted_in_what_a_node_missed(
    make_user: Any, make_shelf: Any, service: Any, live: Live, lossy: None
) -> None:
    ann = await make_user(role="manager")
    shelf, closed = await make_shelf(ann), await make_shelf(ann, open=False)
    await subscribe(live, f"shelf:{shelf}")
    kept, badge = await give(ann, ann, shelf, "Kept"), await give(ann, ann, shelf, SECRET)
    await move(ann, badge, closed)
    await delivered(service)
    service.app[NODE].positions.check_soon()
    frames = [await live.next() for _ in range(3)]
    assert show(frames, "id", "name") == [
        ("badge:created", kept["id"], "Kept"),
        ("badge:deleted", badge["id"], None),
        ("badge:deleted", badge["id"], None),
    ]
    assert SECRET not in json.dumps(live.frames)


async def test_a_notification_of_what_is_gone_keeps_its_title_alone(
    make_user: Any, service: Any, connect: Any
) -> None:
    ann, bob = await make_user(), await make_user()
    post, other = await publish(ann, body=SECRET), await publish(ann, body="Kept")
    await bob.client.put(f"{API}/posts/{post['id']}/like")
    await say(bob, post["id"], SECRET)
    comment = await say(bob, other["id"], SECRET)
    await delivered(service)
    listed = (await get_json(ann.client, "/notifications"))["data"]
    assert [row["message"] for row in listed] == [SECRET] * 3
    assert [row["postId"] for row in listed] == [other["id"], post["id"], post["id"]]
    assert (await ann.client.delete(f"{API}/posts/{post['id']}")).status == 204
    assert (await bob.client.delete(f"{API}/comments/{comment['id']}")).status == 204
    live = await connect(ann)
    for row in listed:
        answer = await ann.client.patch(f"{API}/notifications/{row['id']}", json={"isRead": True})
        assert answer.status == 200
        changed = await answer.json()
        assert (changed["title"], changed["message"]) == (row["title"], "")
        assert (changed["entity"], changed["postId"]) == (None, None)
        assert (await live.next("notification:updated"))["data"] == changed
    now = (await get_json(ann.client, "/notifications"))["data"]
    assert [row["title"] for row in now] == [row["title"] for row in listed]
    assert all((row["message"], row["entity"], row["postId"]) == ("", None, None) for row in now)
    frames = await replay_own(ann, service)
    by_id = {row["id"]: row for row in now}
    assert [frame["data"] for frame in frames] == [by_id[frame["data"]["id"]] for frame in frames]
    assert len(frames) == 6
    # No stored frame has the words.
    stored = "SELECT count(*) FROM room_frames AS f WHERE f::text LIKE '%' || $1 || '%'"
    assert (await fetch(service, stored, SECRET))[0][0] == 0

"""A frame shows its thing as it is when it is shown: live, in a replay, and where Redis lost it.

What was edited shows the newest text, what is gone or has left the room is shown as deleted.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from nexcorp.db import sql
from nexcorp.realtime import bus, socket
from nexcorp.realtime.node import NODE
from tests.conftest import Live, wait_until
from tests.features.posts.social import API, fetch, get_json, outbox_empty, publish, say
from tests.features.throwaway.conftest import config, give, make_shelf, product
from tests.realtime.helpers import subscribe
from workers.delivery import Delivery

__all__ = ["config", "make_shelf", "product"]

SECRET = "the words that were taken back"


async def delivered(service: Any) -> None:
    """Wait until everything that happened is in its rooms."""
    await wait_until(lambda: outbox_empty(service))


async def replay(live: Live, service: Any, room: str, after: int = 0) -> list[dict[str, Any]]:
    """What a client gets of a room that comes back with the number `after`."""
    epoch = service.app[NODE].positions.epoch
    answer = await subscribe(live, room, epoch=epoch, seq=after)
    assert answer["recovered"] is True
    frames = [await live.next() for _ in range(answer["seq"] - after)]
    assert [(frame["room"], frame["seq"]) for frame in frames] == [
        (room, seq) for seq in range(after + 1, answer["seq"] + 1)
    ]
    await live.send("unsubscribe", {"room": room})
    await live.next("unsubscribed")
    return frames


async def render(service: Any, room: str, after: int = 0) -> list[dict[str, Any]]:
    """What a node renders of a room that nobody can join any more."""
    async with service.db.connection(wait=5) as conn:
        rows = await sql.realtime.read_frames(conn, room=room, after=after, most=500)
        return [json.loads(text) for text in await service.product.renderer.render(conn, rows)]


def show(frames: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """The event of each frame, and these members of its data."""
    return [(frame["event"], *(frame["data"].get(name) for name in names)) for frame in frames]


@pytest.fixture
async def live(make_user: Any, connect: Any) -> Live:
    """The socket of somebody who looks on."""
    live: Live = await connect(await make_user())
    await live.next("unread-count")
    return live


@pytest.fixture
def gate(monkeypatch: Any) -> Iterator[asyncio.Event]:
    """While it is cleared, the worker delivers nothing: what happens then is delivered in one batch."""
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
    """What the worker pushes never arrives; the nodes read it from PostgreSQL."""
    push = bus.Publisher._publish

    async def drop(self: Any, payloads: Any) -> None:
        if payloads and payloads[0][0] != bus.FRAMES_CHANNEL:
            await push(self, payloads)

    monkeypatch.setattr(bus.Publisher, "_publish", drop)


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
    del now["liked"], now["interested"]
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
    # Nobody joins the room of a post that is gone; who was in it comes back to nothing.
    frames = await render(service, room)
    assert [(frame["event"], frame["data"]) for frame in frames] == [
        ("comment:deleted", {"id": comment["id"], "postId": post["id"]}),
        *[("post:deleted", gone)] * 3,
    ]
    assert len(frames) == watching["seq"] + 1
    assert SECRET not in json.dumps(frames)


async def test_what_is_a_draft_is_nobodys_to_see(make_user: Any, service: Any, live: Live) -> None:
    """However it came to be one: what a room may see is asked when it is shown."""
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
    frames = await replay(live, service, f"profile:{ann.id}")
    assert show(frames, "status", "body") == [
        ("post:created", "archived", SECRET),
        ("post:updated", "archived", SECRET),
    ]
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE posts SET status = 'draft' WHERE id = $1::text::uuid", post["id"])
    frames = await render(service, f"post:{post['id']}")
    assert show(frames, "id", "body") == [
        ("comment:deleted", comment["id"], None),
        ("post:deleted", post["id"], None),
    ]
    frames = await replay(live, service, f"profile:{ann.id}")
    assert [(frame["event"], frame["data"]) for frame in frames] == [("post:deleted", {"id": post["id"]})] * 2


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


async def replay_own(user: Any, service: Any, after: int = 0) -> list[dict[str, Any]]:
    """What comes of the own room when a client with the number `after` connects."""
    query = {"epoch": service.app[NODE].positions.epoch, "seq": str(after)}
    ws = await user.client.session.ws_connect(service.url + "/ws", headers=user.headers, params=query)
    live = Live(ws, service.product)
    hello = (await live.next("connected"))["data"]
    assert hello["recovered"] is True
    frames = [await live.next() for _ in range(hello["seq"] - after)]
    assert (await live.next())["event"] == "unread-count"
    await ws.close()
    return frames


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
    deleted = (await live.next("comment:deleted"))["data"]
    assert deleted == {
        **{"id": gone["id"], "postId": post["id"]},
        **{"replyIds": [reply["id"]], "commentCount": 1},
    }
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
        ("comment:deleted", gone["id"], None, 1, None, None),
        ("post:liked", None, None, None, 2, None),
    ]
    assert SECRET not in json.dumps(frames)


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
    # And back: what it is called now, and never what it was called where nobody could see it.
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
    """The worker comes late: the frame that says "created" is of what has left the room already."""
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
    # Nothing that delivery keeps has the words.
    stored = "SELECT count(*) FROM room_frames AS f WHERE f::text LIKE '%' || $1 || '%'"
    assert (await fetch(service, stored, SECRET))[0][0] == 0


Table = dict[str, dict[str, Any]]


class Company:
    """People who do things at random, and what a client knows of the rooms that it looks at."""

    def __init__(self, people: list[Any], service: Any, shelves: list[str], seed: int) -> None:
        self.people, self.service, self.shelves = people, service, shelves
        self.chance = random.Random(seed)
        self.posts: list[str] = []
        self.comments: list[str] = []
        self.badges: list[str] = []

    async def act(self) -> None:
        """One thing that somebody may do; it may be refused, where it is another person's or gone."""
        chance = self.chance
        who, text = chance.choice(self.people), f"text {chance.random()}"
        client = who.client
        post = chance.choice(self.posts) if self.posts else None
        comment = chance.choice(self.comments) if self.comments else None
        badge = chance.choice(self.badges) if self.badges else None
        shelf = chance.choice(self.shelves)
        deed = chance.randrange(16)
        if deed < 2 or post is None:
            self.posts.append((await publish(who, body=text, type="project", title="t"))["id"])
        elif deed < 5:
            answer = await client.post(f"{API}/comments", json=self.comment_on(post, text))
            if answer.status == 201:
                self.comments.append((await answer.json())["id"])
        elif deed < 7:
            await client.patch(f"{API}/posts/{post}", json={"body": text})
        elif deed == 7:
            await client.delete(f"{API}/posts/{post}")
        elif deed < 10:
            call = chance.choice([client.put, client.delete])
            await call(f"{API}/posts/{post}/{chance.choice(['like', 'interest'])}")
        elif deed == 10 and comment is not None:
            await client.patch(f"{API}/comments/{comment}", json={"body": text})
        elif deed == 11 and comment is not None:
            await client.delete(f"{API}/comments/{comment}")
        elif deed == 12 or badge is None:
            body = {"shelfId": shelf, "holderId": str(who.id), "name": text}
            answer = await client.post(f"{API}/badges", json=body)
            if answer.status == 201:
                self.badges.append((await answer.json())["id"])
        elif deed == 13:
            await client.patch(f"{API}/badges/{badge}", json={"shelfId": shelf})
        elif deed == 14:
            if chance.random() < 0.5:
                await client.delete(f"{API}/badges/{badge}")
            else:
                await client.patch(f"{API}/badges/{badge}", json={"name": text})
        else:
            listed = (await get_json(client, "/notifications"))["data"]
            if listed:
                path = f"{API}/notifications/{chance.choice(listed)['id']}"
                if chance.random() < 0.3:
                    await client.delete(path)
                else:
                    await client.patch(path, json={"isRead": True})

    def comment_on(self, post: str, text: str) -> dict[str, Any]:
        parent = self.chance.choice([None, *self.comments])
        return {"postId": post, "body": text, "parentId": parent}

    async def read(self, room: str) -> Table:
        """What somebody who asks for it now is shown of a room."""
        client = self.people[0].client
        kind, _, name = room.partition(":")
        if kind == "profile":
            rows = (await get_json(client, f"/users/{name}/posts?limit=100"))["data"]
        elif kind == "shelf":
            rows = (await get_json(client, f"/badges?shelfId={name}&limit=100"))["data"]
        elif kind == "user":
            rows = (await get_json(client, "/notifications?limit=100"))["data"]
        else:
            answer = await client.get(f"{API}/posts/{name}")
            if answer.status == 404:
                return {}
            comments = await get_json(client, f"/comments/post/{name}?limit=100")
            rows = [await answer.json(), *comments["data"]]
        return {row["id"]: row for row in rows}


def fold(state: Table, frames: list[dict[str, Any]]) -> Table:
    """What a client makes of frames that come on top of what it knows."""
    known = {name: dict(row) for name, row in state.items()}
    for frame in frames:
        event, data = frame["event"], dict(frame["data"])
        # Beside a comment or a like, of its post.
        for name in ("commentCount", "likeCount") if "postId" in data else ():
            if name in data and data["postId"] in known:
                known[data["postId"]][name] = data.pop(name)
        if event.endswith(":deleted"):
            for name in (data["id"], *data.get("replyIds", ())):
                known.pop(name, None)
            if event == "post:deleted":
                known = {name: row for name, row in known.items() if row.get("postId") != data["id"]}
        elif event.endswith(":created") or (event.endswith(":updated") and data["id"] in known):
            known[data["id"]] = {**known.get(data["id"], {}), **data}
    return known


# What is one viewer's own, and what no frame of the room tells of.
UNTOLD = {
    "post": {"liked", "interested"},
    "profile": {"liked", "interested", "likeCount", "commentCount", "interestCount"},
    "user": {"message", "entity", "postId"},
    "shelf": set[str](),
}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_state_and_the_frames_behind_it_make_the_state(
    make_user: Any, service: Any, make_shelf: Any, connect: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From wherever one goes on: what was known there, and a replay of what came since, is what is now."""
    monkeypatch.setattr(socket, "MESSAGES_BURST", 1000.0)
    people = [await make_user(role="admin") for _ in range(3)]
    ann = people[0]
    shelves = [await make_shelf(person) for person in people[:2]]
    company = Company(people, service, shelves, seed)
    known: list[tuple[str, int, Table]] = []

    async def look() -> None:
        rooms = [f"shelf:{shelf}" for shelf in shelves] + [f"profile:{person.id}" for person in people]
        for room in (f"user:{ann.id}", *rooms, *(f"post:{post}" for post in company.posts[:6])):
            # The number first: what is read behind it is at least as new.
            row = await fetch(service, "SELECT last_seq FROM rooms WHERE name = $1", room)
            known.append((room, row[0][0] if row else 0, await company.read(room)))

    for turn in range(100):
        await company.act()
        if company.chance.random() < 0.3:
            await delivered(service)
        if turn % 10 == 4:
            await look()
    await delivered(service)
    live = await connect(ann)
    await live.next("unread-count")
    compared = 0
    for room, seq, state in known:
        kind = room.partition(":")[0]
        now = await company.read(room)
        if kind == "user":
            frames = await replay_own(ann, service, seq)
        elif kind == "post" and not now:
            # Nobody joins it any more; who was in it hears the same.
            frames = await render(service, room, seq)
        else:
            frames = await replay(live, service, room, seq)
        made = fold(state, frames)
        assert made.keys() == now.keys(), (room, seq)
        for name, row in now.items():
            shown = {key: value for key, value in made[name].items() if key not in UNTOLD[kind]}
            if "body" in row and "postId" in row:
                shown.pop("commentCount", None)
            assert shown == {key: value for key, value in row.items() if key not in UNTOLD[kind]}, (room, seq)
        compared += len(frames)
    assert compared > 100

"""State and later frames make the present state, after random actions and from any position."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nexcorp.realtime import inbound
from tests.api import API, fetch, get_json, publish
from tests.features.throwaway.conftest import config, make_shelf, product
from tests.realtime.replays import delivered, render, replay, replay_own

__all__ = ["config", "make_shelf", "product"]

Table = dict[str, dict[str, Any]]


class Company:
    """People who act at random; reads the state that a client sees of each room."""

    def __init__(self, people: list[Any], service: Any, shelves: list[str], seed: int) -> None:
        self.people, self.service, self.shelves = people, service, shelves
        self.chance = random.Random(seed)
        self.posts: list[str] = []
        self.comments: list[str] = []
        self.badges: list[str] = []

    async def act(self) -> None:
        """Do one random action; the service may refuse it, for example if the row is another person's."""
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
        """Return the rows of a room as REST shows them now, by id."""
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
    """Return a client's state after applying frames to it."""
    known = {name: dict(row) for name, row in state.items()}
    for frame in frames:
        event, data = frame["event"], dict(frame["data"])
        # Comments and likes bring the counters of their post.
        beside = {name: data.pop(name) for name in COUNTS if name in data} if "postId" in data else {}
        if data.get("postId") in known:
            known[data["postId"]] = count(known[data["postId"]], beside)
        if event.endswith(":deleted"):
            known.pop(data["id"], None)
            if event == "post:deleted":
                known = {name: row for name, row in known.items() if row.get("postId") != data["id"]}
        elif event.endswith(":created") or (event.endswith(":updated") and data["id"] in known):
            known[data["id"]] = count(known.get(data["id"], {}), data)
    return known


COUNTS = ("commentCount", "likeCount", "interestCount", "countsVersion")


def count(row: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """Merge news into a row; older counters are ignored."""
    if news.get("countsVersion", 0) < row.get("countsVersion", 0):
        news = {name: value for name, value in news.items() if name not in COUNTS}
    return {**row, **news}


# Fields that depend on the viewer, and fields that no frame of the room brings.
UNTOLD = {
    "post": {"liked", "interested", "projectId"},
    "profile": {"liked", "interested", "projectId", *COUNTS},
    "user": {"message", "entity", "postId"},
    "shelf": set[str](),
}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_state_and_the_frames_behind_it_make_the_state(
    make_user: Any, service: Any, make_shelf: Any, connect: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each position, the state known there and a replay of later frames make the present state."""
    monkeypatch.setattr(inbound, "MESSAGES_BURST", 1000.0)
    people = [await make_user(role="admin") for _ in range(3)]
    ann = people[0]
    shelves = [await make_shelf(person) for person in people[:2]]
    company = Company(people, service, shelves, seed)
    known: list[tuple[str, int, Table]] = []

    async def look() -> None:
        rooms = [f"shelf:{shelf}" for shelf in shelves] + [f"profile:{person.id}" for person in people]
        for room in (f"user:{ann.id}", *rooms, *(f"post:{post}" for post in company.posts[:6])):
            # The number is read first, so the state read after it is at least as new.
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
            # Nobody can join it any more; its former members get the same frames.
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

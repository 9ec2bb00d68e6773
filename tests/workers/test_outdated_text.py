"""Stored frames keep no text that was edited or deleted, and whoever replays them ends with what is."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import Database
from nexcorp.features.comments import service as comments
from nexcorp.features.posts import service as posts
from nexcorp.features.reactions.service import add_interest, like_post
from workers.delivery import Delivery

OLD, NEW = "the old text", "the new text"


class Company:
    """Two people, a post of the first one's, and a worker that delivers when told to."""

    def __init__(self, database: Database, ann: UUID, bob: UUID, pushed: Any) -> None:
        self.database, self.ann, self.bob = database, ann, bob
        self.delivery = Delivery(database, pushed)

    async def do(self, service: Any, *arguments: Any, **named: Any) -> Any:
        async with self.database.transaction(wait=5) as conn:
            return await service(conn, *arguments, **named)

    async def publish(self, **data: Any) -> Any:
        data = {"type": "normal", "title": None, "body": OLD, **data}
        return await self.do(posts.create_post, self.ann, data)

    async def say(self, post: Any, body: str = OLD, parent: UUID | None = None) -> Any:
        data = {"postId": post["id"], "parentId": parent, "body": body}
        return await self.do(comments.create_comment, self.bob, data)

    async def edit_post(self, post: Any, body: str = NEW) -> None:
        await self.do(posts.update_post, post["id"], self.ann, {"body": body}, None, False, may_announce=True)

    async def edit_comment(self, comment: Any, body: str = NEW) -> None:
        await self.do(comments.update_comment, comment["id"], self.bob, body, None, False)

    async def read(self, room: str) -> list[dict[str, Any]]:
        """What is stored of a room, whose numbers have no gap."""
        async with self.database.connection(wait=5) as conn:
            rows = await conn.fetch("SELECT seq, frame FROM room_frames WHERE room = $1 ORDER BY seq", room)
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        return [row["frame"] for row in rows]


def replay(frames: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a client knows by the frames of a room: id -> what it shows."""
    shown: dict[str, dict[str, Any]] = {}
    for frame in frames:
        verb, data = frame["event"].partition(":")[2], frame["data"]
        if verb == "created":
            shown[data["id"]] = dict(data)
        elif verb == "updated" and data["id"] in shown:
            shown[data["id"]].update(data)
        elif verb == "deleted":
            shown.pop(data["id"], None)
    return shown


@pytest.fixture
async def company(database: Database, people: Any, pushed: Any) -> Company:
    return Company(database, *await people(2), pushed)


@pytest.fixture(params=["in batches", "at once"])
def settle(request: Any, company: Company) -> Any:
    """Delivers after each step, or leaves all to one batch."""

    async def deliver() -> None:
        if request.param == "in batches":
            await company.delivery.drain()

    return deliver


async def test_an_edited_comment_leaves_its_newest_text_alone(company: Company, settle: Any) -> None:
    post = await company.publish()
    comment, other = await company.say(post), await company.say(post, "kept")
    await settle()
    for number in range(3):
        await company.edit_comment(comment, f"{OLD} {number}")
        await company.do(like_post, post["id"], company.bob)
        await settle()
    await company.edit_comment(comment)
    await company.delivery.drain()
    frames = await company.read(f"post:{post['id']}")
    assert OLD not in json.dumps(frames)
    assert [frame["event"] for frame in frames] == [
        *("comment:created", "comment:created"),
        *("comment:updated", "post:liked"),
        *("comment:updated",) * 3,
    ]
    created, first = frames[0]["data"], frames[2]["data"]
    assert (created["body"], created["version"], created["commentCount"]) == (NEW, 5, 1)
    assert first == {"id": str(comment["id"]), "postId": str(post["id"])}
    shown = replay(frames)
    assert shown[str(comment["id"])]["body"] == NEW
    assert shown[str(other["id"])]["body"] == "kept"
    # Who was there until some frame and reads on ends with the same.
    for seen in range(2, len(frames)):
        later = replay(frames[:1] + frames[seen:])
        assert later[str(comment["id"])] | {"commentCount": 1} == shown[str(comment["id"])]


async def test_an_edited_post_leaves_its_newest_text_alone(company: Company, settle: Any) -> None:
    post = await company.publish(type="project", title="Idea")
    await settle()
    await company.do(add_interest, post["id"], company.bob)
    await company.edit_post(post, f"{OLD} again")
    await settle()
    await company.do(
        posts.move_post,
        post["id"],
        company.ann,
        "on_hold",
        any_project=False,
        any_announcement=False,
        may_announce=False,
    )
    await company.edit_post(post)
    await company.delivery.drain()
    for room in (f"post:{post['id']}", f"profile:{company.ann}"):
        frames = await company.read(room)
        assert OLD not in json.dumps(frames)
        assert (frames[-1]["data"]["body"], frames[-1]["data"]["status"]) == (NEW, "on_hold")
    assert frames[0]["event"] == "post:created" and frames[0]["data"]["body"] == NEW
    assert replay(frames)[str(post["id"])] == frames[-1]["data"]
    room = await company.read(f"post:{post['id']}")
    assert room[0]["data"] == {"id": str(post["id"]), "interestCount": 1}


async def test_what_was_deleted_is_in_no_frame(company: Company, settle: Any) -> None:
    post = await company.publish()
    comment, kept = await company.say(post), await company.say(post, "kept")
    await company.say(post, f"{OLD}, indeed", parent=comment["id"])
    await settle()
    await company.edit_comment(comment, f"{OLD} again")
    await settle()
    await company.do(comments.delete_comment, comment["id"], company.bob, any_author=False)
    await company.delivery.drain()
    frames = await company.read(f"post:{post['id']}")
    assert OLD not in json.dumps(frames)
    assert list(replay(frames)) == [str(kept["id"])]
    assert frames[0] == {
        "event": "comment:deleted",
        "data": {"id": str(comment["id"]), "postId": str(post["id"])},
    }
    await company.edit_post(post, f"{OLD} again")
    await settle()
    await company.do(posts.delete_post, post["id"], company.ann, any_author=False)
    await company.delivery.drain()
    frames = await company.read(f"profile:{company.ann}")
    assert OLD not in json.dumps(frames)
    assert replay(frames) == {}


async def test_an_edit_costs_no_more_after_many(company: Company) -> None:
    """Frames whose text was taken out are not looked at again."""
    post = await company.publish()
    comment = await company.say(post)
    for number in range(8):
        await company.edit_comment(comment, f"text {number}")
        await company.delivery.drain()
    async with company.database.connection(wait=5) as conn:
        with_text = await conn.fetchval(
            "SELECT count(*) FROM room_frames WHERE room = $1 AND frame -> 'data' ? 'body'",
            f"post:{post['id']}",
        )
    assert with_text == 2

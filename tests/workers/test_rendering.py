"""Frames and notifications show a thing as it is now, or as deleted: live, and in a later replay."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from nexcorp.db import Database, sql
from nexcorp.features import PRODUCT
from nexcorp.features.comments import service as comments
from nexcorp.features.notifications import service as notifications
from nexcorp.features.posts import service as posts
from nexcorp.features.reactions.service import add_interest, like_post
from tests.callers import make_caller
from workers.delivery import Delivery

OLD, NEW = "the old text", "the new text"
# Every row that delivery keeps, as text.
STORED = """
SELECT f::text FROM room_frames AS f UNION ALL SELECT e::text FROM events AS e
UNION ALL SELECT n::text FROM notifications AS n UNION ALL SELECT o::text FROM outbox AS o
"""


class Company:
    """Two people, and a worker that delivers on demand."""

    def __init__(self, database: Database, ann: UUID, bob: UUID, pushed: Any) -> None:
        self.database, self.ann, self.bob, self.pushed = database, ann, bob, pushed
        self.delivery = Delivery(database, pushed, PRODUCT)

    async def do(self, service: Any, *arguments: Any, **named: Any) -> Any:
        async with self.database.transaction(wait=5) as conn:
            return await service(conn, *arguments, **named)

    async def execute(self, statement: str, *arguments: Any) -> None:
        async with self.database.connection(wait=5) as conn:
            await conn.execute(statement, *arguments)

    async def publish(self, **data: Any) -> Any:
        data = {"type": "normal", "title": None, "body": OLD, **data}
        return await self.do(posts.create_post, self.ann, data)

    async def say(self, post: Any, body: str = OLD, parent: UUID | None = None) -> Any:
        data = {"postId": post["id"], "parentId": parent, "body": body}
        return await self.do(comments.create_comment, self.bob, data)

    async def edit_post(self, post: Any, body: str = NEW) -> None:
        await self.do(posts.update_post, make_caller(self.ann), post["id"], {"body": body}, None, False)

    async def edit_comment(self, comment: Any, body: str = NEW) -> None:
        await self.do(comments.update_comment, make_caller(self.bob), comment["id"], body, None, False)

    async def delete_comment(self, comment: Any) -> None:
        await self.do(comments.delete_comment, make_caller(self.bob), comment["id"])

    async def delete_post(self, post: Any) -> None:
        await self.do(posts.delete_post, make_caller(self.ann), post["id"])

    async def read(self, room: str) -> list[dict[str, Any]]:
        """Return all frames of a room as a new client gets them; checks that there is no gap."""
        async with self.database.connection(wait=5) as conn:
            rows = await sql.realtime.read_frames(conn, room=room, after=0, most=500)
            texts = await PRODUCT.renderer.render(conn, rows)
        frames: list[dict[str, Any]] = [json.loads(text) for text in texts]
        assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
        assert {frame["room"] for frame in frames} <= {room}
        return frames

    async def stores(self, text: str) -> bool:
        """Whether a stored row of delivery contains this text."""
        async with self.database.connection(wait=5) as conn:
            return any(text in row[0] for row in await conn.fetch(STORED))


def replay(frames: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a client's state of a room after these frames, by id."""
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
    """Delivers after each step, or does nothing, so that one batch delivers all."""

    async def deliver() -> None:
        if request.param == "in batches":
            await company.delivery.drain()

    return deliver


async def test_an_edited_comment_shows_its_newest_text(company: Company, settle: Any) -> None:
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
    for frame in (frames[0], *frames[4:]):
        data = frame["data"]
        assert (data["body"], data["version"], data["commentCount"]) == (NEW, 5, 2)
    shown = replay(frames)
    assert shown[str(comment["id"])]["body"] == NEW
    assert shown[str(other["id"])]["body"] == "kept"
    # A client that saw the first two frames and resumes anywhere ends with the same state.
    for seen in range(2, len(frames)):
        assert replay(frames[:2] + frames[seen:]) == shown
    assert not await company.stores(OLD)


async def test_those_who_are_there_see_each_text_while_it_holds(company: Company) -> None:
    """A frame is rendered at the push and shows the text of that moment, not that of the event."""
    post = await company.publish()
    comment = await company.say(post)
    await company.delivery.drain()
    await company.edit_comment(comment)
    await company.delivery.drain()
    await company.edit_comment(comment, "outdated before it was told")
    await company.edit_comment(comment, "the last")
    await company.delivery.drain()
    frames = company.pushed.frames(f"post:{post['id']}")
    bodies = [OLD, NEW, "the last", "the last"]
    assert [frame["data"]["body"] for frame in frames] == bodies


async def test_an_edited_post_shows_its_newest_text(company: Company, settle: Any) -> None:
    post = await company.publish(type="project", title="Idea")
    await settle()
    await company.do(add_interest, post["id"], company.bob)
    await company.edit_post(post, f"{OLD} again")
    await settle()
    await company.do(posts.move_post, make_caller(company.ann), post["id"], "on_hold")
    await company.edit_post(post)
    await company.delivery.drain()
    for room in (f"post:{post['id']}", f"profile:{company.ann}"):
        frames = await company.read(room)
        assert OLD not in json.dumps(frames)
        assert (frames[-1]["data"]["body"], frames[-1]["data"]["status"]) == (NEW, "on_hold")
    assert frames[0]["event"] == "post:created" and frames[0]["data"]["body"] == NEW
    assert replay(frames)[str(post["id"])] == frames[-1]["data"]
    # The frame of an interest has only the counters.
    room = await company.read(f"post:{post['id']}")
    assert room[0]["data"] == {"id": str(post["id"]), "interestCount": 1, "countsVersion": 1}
    assert not await company.stores(OLD)


async def test_what_was_deleted_is_shown_as_deleted(company: Company, settle: Any) -> None:
    post = await company.publish()
    comment, kept = await company.say(post), await company.say(post, "kept")
    reply = await company.say(post, f"{OLD}, indeed", parent=comment["id"])
    await settle()
    await company.edit_comment(comment, f"{OLD} again")
    await settle()
    await company.delete_comment(comment)
    await company.delivery.drain()
    frames = await company.read(f"post:{post['id']}")
    assert [
        (frame["data"]["id"], frame["data"]["deleted"], frame["data"]["author"]) for frame in frames[3:]
    ] == [(str(comment["id"]), True, None)] * 2
    await company.delete_comment(reply)
    await company.delivery.drain()
    frames = await company.read(f"post:{post['id']}")
    assert OLD not in json.dumps(frames)
    assert list(replay(frames)) == [str(kept["id"])]
    gone = {"id": str(comment["id"]), "postId": str(post["id"])}
    assert [(frame["event"], frame["data"]) for frame in frames] == [
        ("comment:deleted", gone),
        ("comment:created", {**frames[1]["data"], "body": "kept", "commentCount": 1}),
        ("comment:deleted", {**gone, "id": str(reply["id"])}),
        ("comment:deleted", gone),
        ("comment:deleted", gone),
        ("comment:deleted", {**gone, "id": str(reply["id"]), "commentCount": 1, "countsVersion": 5}),
        ("comment:deleted", {**gone, "commentCount": 1, "countsVersion": 5}),
    ]
    await company.edit_post(post, f"{OLD} again")
    await settle()
    await company.delete_post(post)
    await company.delivery.drain()
    frames = await company.read(f"profile:{company.ann}")
    assert {(frame["event"], frame["data"]["id"]) for frame in frames} == {("post:deleted", str(post["id"]))}
    # In the post's room, the comments are only shown as deleted.
    frames = await company.read(f"post:{post['id']}")
    assert {frame["event"] for frame in frames} == {"comment:deleted", "post:deleted"}
    assert "kept" not in json.dumps(frames)
    assert not await company.stores(OLD)


async def test_what_is_gone_before_it_was_pushed_is_shown_to_nobody(company: Company) -> None:
    post = await company.publish()
    await company.delivery.drain()
    comment = await company.say(post)
    await company.delete_comment(comment)
    await company.delivery.drain()
    frames = company.pushed.frames(f"post:{post['id']}")
    assert [frame["event"] for frame in frames] == ["comment:deleted"] * 2
    assert company.pushed.frames(f"user:{company.ann}") == []
    assert OLD not in json.dumps(frames)


async def test_what_has_left_the_room_is_shown_there_as_deleted(company: Company) -> None:
    """The renderer checks in which room a thing is visible now, not at the time of the event."""
    post, other = await company.publish(), await company.publish()
    comment = await company.say(post)
    await company.delivery.drain()
    await company.execute("UPDATE comments SET post_id = $2 WHERE id = $1", comment["id"], other["id"])
    frames = await company.read(f"post:{post['id']}")
    assert [(frame["event"], frame["data"]) for frame in frames] == [
        ("comment:deleted", {"id": str(comment["id"]), "postId": str(post["id"])})
    ]
    # A draft is visible in no room.
    await company.execute(
        "UPDATE posts SET type = 'announcement', status = 'draft', title = 'Draft' WHERE id = $1",
        other["id"],
    )
    for room in (f"post:{other['id']}", f"profile:{company.ann}"):
        frames = [frame for frame in await company.read(room) if frame["data"]["id"] == str(other["id"])]
        assert {frame["event"] for frame in frames} <= {"post:deleted"}
    assert frames


async def test_a_notification_tells_of_what_is_there(company: Company) -> None:
    """It shows the present excerpt, or none if its subject is gone; once deleted, it is shown as deleted."""
    post = await company.publish()
    first, second = await company.say(post), await company.say(post)
    await company.delivery.drain()
    await company.edit_comment(first)
    await company.delete_comment(second)
    room = f"user:{company.ann}"
    told = [frame["data"] for frame in await company.read(room)]
    assert [(data["message"], data["postId"]) for data in told] == [(NEW, str(post["id"])), ("", None)]
    assert told[0]["title"] == told[1]["title"]
    assert told[0]["title"].endswith("commented on your post")
    assert (told[0]["entity"], told[1]["entity"]) == ({"type": "comment", "id": str(first["id"])}, None)
    await company.do(notifications.delete_notification, company.ann, UUID(told[0]["id"]))
    await company.delivery.drain()
    frames = await company.read(room)
    assert [frame["event"] for frame in frames] == [
        *("notification:deleted", "notification:created", "notification:deleted")
    ]
    assert frames[0]["data"] == frames[2]["data"] == {"id": told[0]["id"]}

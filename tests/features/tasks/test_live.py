"""Rooms show tasks to users who see them, and stop when they no longer do."""

from __future__ import annotations

from typing import Any

import pytest

from nexcorp.realtime.node import NODE
from tests.api import API, create, fetch, outbox_empty
from tests.conftest import wait_until
from tests.features.tasks.conftest import MakeProject, leave
from tests.realtime.helpers import ask, subscribe

pytestmark = pytest.mark.shared


async def all_shown(service: Any) -> bool:
    """Whether the outbox is empty and this node has pushed all frames of its rooms."""
    if not await outbox_empty(service):
        return False
    hub = service.app[NODE].hub
    rows = await fetch(service, "SELECT name, last_seq FROM rooms WHERE name = ANY($1)", list(hub.rooms))
    mine = hub.positions()
    return len(mine) == len(hub.rooms) and all(
        row["last_seq"] == mine.get(row["name"], row["last_seq"]) for row in rows
    )


async def read_all(live: Any, service: Any) -> list[dict[str, Any]]:
    """The frames of rooms that a socket got since its last read, once everything is delivered."""
    await wait_until(lambda: all_shown(service))
    before = len(live.frames)
    await ask(live, "ping")
    return [frame for frame in live.frames[before:] if "seq" in frame or frame["event"] == "unsubscribed"]


def say(frames: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(event, kind of its room) of each frame."""
    return [(frame["event"], frame.get("room", "").partition(":")[0]) for frame in frames]


def show_both(event: str) -> list[tuple[str, str]]:
    """The event once in the project's room and once in the task's."""
    return [(event, "project"), (event, "task")]


async def test_whoever_loses_sight_is_shown_nothing_more(
    make_user: Any, make_project: MakeProject, service: Any, connect: Any
) -> None:
    owner, viewer, eve = await make_user(), await make_user(), await make_user()
    project = await make_project(owner=owner, viewer=viewer)
    live, stranger = await connect(viewer), await connect(eve)
    place = await subscribe(live, f"project:{project}")
    task = await create(owner, "/tasks", title="Private", projectId=str(project))
    for room in (f"project:{project}", f"task:{task['id']}"):
        refusal = await ask(stranger, "subscribe", {"room": room})
        assert refusal["data"]["code"] == "room_not_found"
    assert say(await read_all(live, service)) == [("task:created", "project")]
    alias = await ask(live, "subscribe-to-task", {"taskId": task["id"]})
    assert alias["data"]["room"] == f"task:{task['id']}"
    await owner.client.patch(f"{API}/tasks/{task['id']}", json={"status": "done"})
    seen = await read_all(live, service)
    assert sorted(say(seen)) == show_both("task:updated")
    assert all(frame["data"]["changed"] == ["status"] for frame in seen)

    await owner.client.delete(f"{API}/tasks/{task['id']}")
    assert sorted(say(await read_all(live, service))) == [
        ("task:deleted", "project"),
        ("task:deleted", "task"),
    ]
    await owner.client.post(f"{API}/tasks/{task['id']}/restore")
    assert sorted(say(await read_all(live, service))) == [
        ("task:created", "project"),
        ("task:created", "task"),
    ]

    await leave(service, project, viewer)
    await owner.client.patch(f"{API}/tasks/{task['id']}", json={"title": "Secret"})
    assert say(await read_all(live, service)) == [("unsubscribed", ""), ("unsubscribed", "")]
    again = await ask(live, "subscribe", {"room": f"project:{project}", **place})
    assert again["data"]["code"] == "room_not_found"
    assert await read_all(stranger, service) == []
    assert not any("Secret" in str(frame) for frame in live.frames + stranger.frames)


async def test_a_stranger_who_was_assigned_sees_it_no_longer(
    make_user: Any, service: Any, connect: Any
) -> None:
    ada, bob = await make_user(), await make_user()
    live = await connect(bob)
    await live.next("connected")
    task = await create(ada, "/tasks", title="Yours", description="Between us", assigneeId=str(bob.id))
    created = await read_all(live, service)
    assert [event for event, _ in say(created)] == ["task:created", "notification:created"]
    assert created[0]["data"]["title"] == "Yours" and "description" not in created[0]["data"]
    await ada.client.put(f"{API}/tasks/{task['id']}/assignee", json={"userId": None})
    [gone] = await read_all(live, service)
    assert (gone["event"], gone["data"]) == ("task:deleted", {"id": task["id"], "reason": "moved"})
    # A replay shows no more than the user may see now.
    epoch = next(frame for frame in live.frames if frame["event"] == "connected")["data"]
    back = await connect(bob, {"epoch": epoch["epoch"], "seq": epoch["seq"]})
    assert not any("Yours" in str(frame) for frame in [await ask(back, "ping"), *back.frames])


async def test_a_task_that_moved_away_is_gone_from_the_replay(
    make_user: Any, make_project: MakeProject, service: Any, connect: Any
) -> None:
    owner, viewer = await make_user(), await make_user()
    shared, private = await make_project(owner=owner, viewer=viewer), await make_project(owner=owner)
    live = await connect(viewer)
    place = await subscribe(live, f"project:{shared}")
    task = await create(owner, "/tasks", title="Ours", projectId=str(shared))
    kept = await create(owner, "/tasks", title="Kept", projectId=str(shared), parentId=task["id"])
    await owner.client.delete(f"{API}/tasks/{kept['id']}")
    await fetch(service, "DELETE FROM tasks WHERE id = $1", kept["id"])
    await owner.client.patch(f"{API}/tasks/{task['id']}", json={"title": "Theirs", "projectId": str(private)})
    moved = {"id": task["id"], "reason": "moved"}
    assert (await read_all(live, service))[-1]["data"] == moved
    back = await connect(viewer)
    again = await ask(back, "subscribe", {"room": f"project:{shared}", **place})
    assert again["data"]["recovered"]
    await read_all(back, service)
    shown = [frame for frame in back.frames if frame.get("room") == f"project:{shared}"]
    assert {frame["event"] for frame in shown} == {"task:deleted"}
    assert {(frame["data"]["id"], frame["data"]["reason"]) for frame in shown} == {
        (task["id"], "moved"),
        (kept["id"], "deleted"),
    }
    refusal = await ask(back, "subscribe", {**place, "room": f"task:{task['id']}"})
    assert refusal["data"]["code"] == "room_not_found"

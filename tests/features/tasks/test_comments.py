"""Comments on tasks: visible and notified only to people who see the task."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.api import API, NOBODY, create, fetch, get_json, outbox_empty, publish, refused, walk
from tests.conftest import wait_until
from tests.features.tasks.conftest import MakeProject, leave
from tests.features.tasks.test_live import read_all, say
from tests.realtime.helpers import ask, subscribe

pytestmark = pytest.mark.shared


async def comment_on(user: Any, task: Any, body: str = "Indeed.", parent: str | None = None) -> Any:
    """Comment on a task as the user; return the comment."""
    return await create(user, "/comments", taskId=task["id"], body=body, parentId=parent)


async def list_told(service: Any, user: Any) -> list[tuple[str, str, Any]]:
    """(type, title, whether its target can still be opened) of the user's notifications, newest first."""
    await wait_until(lambda: outbox_empty(service))
    rows = (await get_json(user.client, "/notifications"))["data"]
    return [(row["type"], row["title"], row["entity"] is not None) for row in rows]


async def test_a_conversation_on_a_task(make_user: Any, make_project: MakeProject, service: Any) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    project = await make_project(owner=ada, viewer=bob)
    task = await create(ada, "/tasks", title="Talk", projectId=str(project))
    first = await comment_on(bob, task, "First.")
    assert (first["taskId"], first["postId"], first["parentId"]) == (task["id"], None, None)
    reply = await comment_on(ada, task, "Second.", first["id"])
    deep = await comment_on(bob, task, "Third.", reply["id"])
    assert deep["parentId"] == first["id"]
    path = f"/comments/task/{task['id']}"
    pages = await walk(bob.client, path, 2)
    assert pages == [[first, reply], [deep]]
    assert (await walk(bob.client, f"{path}?order=newest", 3))[0] == [deep, reply, first]
    assert (await get_json(ada.client, f"/tasks/{task['id']}"))["commentCount"] == 3

    one = f"{API}/comments/{first['id']}"
    for call in (
        eve.client.get(one),
        eve.client.patch(one, json={"body": "Mine."}),
        eve.client.delete(one),
        eve.client.get(f"{one}/readers"),
    ):
        await refused(call, 404, "comment_not_found")
    await refused(eve.client.get(API + path), 404, "task_not_found")
    body: dict[str, Any] = {"taskId": task["id"], "body": "Let me in."}
    await refused(eve.client.post(f"{API}/comments", json=body), 404, "task_not_found")
    post = await publish(ada)
    for wrong in (
        {"postId": post["id"]},
        {"parentId": NOBODY},
        {"parentId": (await create(ada, "/comments", postId=post["id"], body="On a post."))["id"]},
        {"taskId": None},
    ):
        await refused(bob.client.post(f"{API}/comments", json={**body, **wrong}), 422, "validation_failed")

    changed = await bob.client.patch(one, json={"body": "Better.", "version": 1})
    assert (await changed.json())["version"] == 2
    await refused(ada.client.patch(one, json={"body": "Worse."}), 403, "not_your_comment")
    await refused(bob.client.delete(f"{API}/comments/{reply['id']}"), 403, "not_your_comment")
    # The task's creator may delete comments; one with replies is a placeholder until the last reply goes.
    assert (await ada.client.delete(one)).status == 204
    [[placeholder, *rest]] = await walk(ada.client, path, 10)
    assert placeholder["deleted"] and placeholder["body"] is None and len(rest) == 2
    assert (await get_json(ada.client, f"/tasks/{task['id']}"))["commentCount"] == 2
    for gone in (reply, deep):
        assert (await ada.client.delete(f"{API}/comments/{gone['id']}")).status == 204
    assert await walk(ada.client, path, 10) == [[]]


async def test_those_who_see_the_task_are_told(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob, cyd, dan, eve = [await make_user() for _ in range(5)]
    project = await make_project(owner=ada, viewer=[bob, cyd, dan])
    task = await create(ada, "/tasks", title="Told", projectId=str(project), assigneeId=str(bob.id))
    for watcher in (cyd, dan):
        assert (await watcher.client.put(f"{API}/tasks/{task['id']}/watch")).status == 200
    mute = f"{API}/notifications/mutes/task/{task['id']}"
    assert (await dan.client.put(mute, json={})).status == 200
    first = await comment_on(cyd, task, f"Dear @{eve.username}, dear @{bob.username}.")
    await comment_on(ada, task, "An answer.", first["id"])
    kind, title, leads = (await list_told(service, ada))[0]
    assert (kind, leads) == ("comment_added", True) and title.endswith(" commented on a task")
    assert (await list_told(service, bob))[0][0] == "comment_added"
    assert (await list_told(service, bob))[1][0] == "mention"
    assert (await list_told(service, cyd))[0][1].endswith("replied to your comment")
    assert await list_told(service, dan) == [] == await list_told(service, eve)
    await leave(service, project, cyd)
    await comment_on(ada, task, "Behind closed doors.", first["id"])
    [before] = [row for row in await list_told(service, cyd) if row[0] == "comment_added"]
    assert before[2] is False
    assert (await ada.client.delete(f"{API}/tasks/{task['id']}")).status == 204
    assert {row[2] for row in await list_told(service, bob)} == {False}


async def test_rooms_of_tasks_show_comments(
    make_user: Any, make_project: MakeProject, service: Any, connect: Any
) -> None:
    owner, viewer = await make_user(), await make_user()
    project = await make_project(owner=owner, viewer=viewer)
    task = await create(owner, "/tasks", title="Seen", projectId=str(project))
    live, board = await connect(viewer), await connect(viewer)
    await wait_until(lambda: outbox_empty(service))
    begun = await subscribe(live, f"task:{task['id']}")
    place = {name: begun[name] for name in ("epoch", "seq")}
    await subscribe(board, f"project:{project}")
    first = await comment_on(owner, task)
    reply = await comment_on(owner, task, parent=first["id"])
    await owner.client.patch(f"{API}/comments/{first['id']}", json={"body": "Changed."})
    seen = await read_all(live, service)
    for gone in (first, reply):
        assert (await owner.client.delete(f"{API}/comments/{gone['id']}")).status == 204
        seen += await read_all(live, service)
    assert [event for event, _ in say(seen)] == [
        *("comment:created", "comment:created", "comment:updated"),
        *("comment:updated", "comment:deleted", "comment:deleted"),
    ]
    assert all(frame["data"]["taskId"] == task["id"] for frame in seen)
    assert seen[-1]["data"]["commentCount"] == 0
    counts = await read_all(board, service)
    assert {frame["event"] for frame in counts} == {"task:updated"}
    assert counts[-1]["data"]["changed"] == ["commentCount"] and counts[-1]["data"]["commentCount"] == 0

    # Frames missed from a task that is in the trash now are not replayed.
    await comment_on(owner, task, "Secret.")
    await owner.client.delete(f"{API}/tasks/{task['id']}")
    await read_all(live, service)
    again = await connect(viewer)
    refusal = await ask(again, "subscribe", {"room": f"task:{task['id']}", **place})
    assert refusal["data"]["code"] == "room_not_found"
    await owner.client.post(f"{API}/tasks/{task['id']}/restore")
    await fetch(service, "DELETE FROM comments WHERE task_id = $1", UUID(task["id"]))
    await subscribe(again, f"task:{task['id']}", **place)
    assert not any("Secret" in str(frame) for frame in again.frames)


async def test_comments_go_with_their_task(make_user: Any, service: Any) -> None:
    ada, admin = await make_user(), await make_user(role="admin")
    task = await create(ada, "/tasks", title="Gone")
    comment = await comment_on(ada, task, "Xylophonequux.")
    steps, once = f"{API}/tasks/{task['id']}/checklist", {"Idempotency-Key": "once"}
    assert (await ada.client.post(steps, json={"text": "Xylophonequux."}, headers=once)).status == 201
    await wait_until(lambda: outbox_empty(service))
    assert (await get_json(ada.client, "/search?q=xylophonequux"))["data"] == []
    path = f"{API}/tasks/{task['id']}"
    assert (await ada.client.delete(path)).status == 204
    await refused(ada.client.get(f"{API}/comments/{comment['id']}"), 404, "comment_not_found")
    await refused(ada.client.get(f"{API}/comments/task/{task['id']}"), 404, "task_not_found")
    assert (await admin.client.delete(f"{path}/purge")).status == 204
    assert await fetch(service, "SELECT FROM comments WHERE id = $1", UUID(comment["id"])) == []
    kept = "SELECT FROM idempotency_keys WHERE convert_from(body, 'UTF8') LIKE '%Xylophonequux%'"
    assert await fetch(service, kept) == []


async def test_comments_are_read_by_those_who_see_the_task(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    boss = await make_user(role="manager")
    project = await make_project(owner=ada, viewer=bob)
    task = await create(ada, "/tasks", title="Read", projectId=str(project))
    ids = [(await comment_on(ada, task))["id"] for _ in range(3)]
    mark = f"/comments/task/{task['id']}/read"

    async def move(user: Any, up_to: str, path: str = mark) -> Any:
        answer = await user.client.put(API + path, json={"upTo": up_to})
        return await answer.json()

    assert await get_json(bob.client, mark) == {"upTo": None, "unreadCount": 3}
    assert await move(bob, ids[1]) == {"upTo": ids[1], "unreadCount": 1}
    assert await move(bob, ids[0]) == {"upTo": ids[1], "unreadCount": 1}
    assert await move(boss, ids[2]) == {"upTo": ids[2], "unreadCount": 0}
    for comment, readers in zip(ids, ([bob, boss], [bob, boss], [boss]), strict=True):
        for viewer in (ada, boss):
            found = await get_json(viewer.client, f"/comments/{comment}/readers")
            assert [row["user"]["id"] for row in found["data"]] == sorted(str(one.id) for one in readers)
    await refused(bob.client.get(f"{API}/comments/{ids[0]}/readers"), 403, "readers_hidden")
    # A task is not a post, nor a post a task; and neither exists for those who do not see it.
    post = await publish(ada)
    for user, path in ((eve, mark), (bob, f"/comments/task/{post['id']}/read")):
        assert (await move(user, ids[0], path))["code"] == "task_not_found"
        await refused(user.client.get(API + path), 404, "task_not_found")
    assert (await move(bob, ids[0], f"/comments/post/{task['id']}/read"))["code"] == "post_not_found"
    await leave(service, project, bob)
    assert (await move(bob, ids[2]))["code"] == "task_not_found"

    assert (await ada.client.delete(f"{API}/tasks/{task['id']}")).status == 204
    assert (await move(boss, ids[2]))["code"] == "task_not_found"
    assert (await ada.client.delete(f"{API}/tasks/trash")).status == 200
    assert await fetch(service, "SELECT FROM thread_reads WHERE thread::text = $1", task["id"]) == []

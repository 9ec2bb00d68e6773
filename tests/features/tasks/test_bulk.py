"""Changes of many tasks in one request: each task is changed, or has an error of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api import API, NOBODY, create, fetch, fetch_value, get_json, insist, refused
from tests.features.tasks.conftest import MakeProject

pytestmark = pytest.mark.shared


async def change(user: Any, *items: Any) -> dict[str, Any]:
    """Change tasks in bulk; return each task's result, by its id."""
    answer = await user.client.patch(f"{API}/tasks", json={"items": list(items)})
    assert answer.status == 200, await answer.text()
    data = (await answer.json())["data"]
    assert [one["id"] for one in data] == sorted(one["id"] for one in data)
    return {one["id"]: one for one in data}


async def test_each_is_changed_or_says_why_not(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    project = str(await make_project(owner=ada, viewer=bob))
    good, stale, wrong, theirs, hidden = [
        (await create(who, "/tasks", title="Task", projectId=where))["id"]
        for who, where in ((ada, None), (ada, None), (ada, project), (ada, project), (eve, None))
    ]
    await create(ada, "/tasks", title="Of it", projectId=project, parentId=wrong)
    found = await change(
        ada,
        {"id": wrong, "projectId": None, "title": "Moved"},
        {"id": stale, "status": "done", "version": 7},
        {"id": good, "status": "done", "title": "Done", "version": 1},
        {"id": hidden, "status": "done"},
        {"id": theirs, "assigneeId": NOBODY},
    )
    said = {task: (one["status"], one["code"], one["version"]) for task, one in found.items()}
    assert said == {
        good: (200, None, 2),
        stale: (409, "stale_version", 1),
        wrong: (409, "has_subtasks", 1),
        hidden: (404, "task_not_found", None),
        theirs: (422, "validation_failed", 1),
    }
    assert list(found[theirs]["errors"]) == ["assigneeId"]
    assert (await get_json(ada.client, f"/tasks/{good}"))["status"] == "done"
    assert (await get_json(ada.client, f"/tasks/{wrong}"))["title"] == "Task"
    assert (await change(bob, {"id": theirs, "status": "done"}))[theirs]["code"] == "not_your_task"
    told = "SELECT count(*) FROM events WHERE type = 'task.updated' AND entity_id = ANY($1)"
    assert await fetch_value(service, told, [good, stale, wrong, theirs]) == 1

    kept = "SELECT old_text FROM task_revisions WHERE task_id = $1 AND version = 2"
    assert await fetch_value(service, kept, good) == "Task"

    twice = [{"id": good, "status": "todo"}, {"id": good, "status": "review"}]
    for items in (twice, [], [{"id": good}], [{"id": good, "colour": "red"}]):
        await refused(ada.client.patch(f"{API}/tasks", json={"items": items}), 422)


async def test_a_hundred_at_once_beside_others(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob = await make_user(), await make_user()
    projects = [await make_project(owner=[ada, bob]) for _ in range(2)]
    rows = await fetch(
        service,
        "INSERT INTO tasks (title, creator_id, project_id, number) "
        "SELECT 'Task', $1, ($2::uuid[])[1 + n % 2], 1000 + n FROM generate_series(1, 100) AS n RETURNING id",
        ada.id,
        projects,
    )
    ids = [str(row["id"]) for row in rows]
    forth = [{"id": task, "status": "done", "projectId": str(projects[0])} for task in ids]
    back = [{"id": task, "status": "review", "projectId": str(projects[1])} for task in reversed(ids)]
    single = [
        insist(ada.client, "PATCH", f"/tasks/{task}", json={"status": "cancelled"}) for task in ids[::25]
    ]
    answers = await asyncio.gather(
        insist(ada.client, "PATCH", "/tasks", json={"items": forth}),
        insist(bob.client, "PATCH", "/tasks", json={"items": back}),
        *single,
    )
    assert [answer.status for answer in answers] == [200] * 6
    for answer in answers[:2]:
        assert {one["status"] for one in (await answer.json())["data"]} == {200}
    where = "SELECT count(DISTINCT project_id) FROM tasks WHERE id = ANY($1::uuid[])"
    assert await fetch_value(service, where, ids) == 1

    # At the end of a column they keep their order.
    items = [{"id": task, "status": "in_progress", "dueDate": "2031-01-01"} for task in reversed(ids)]
    found = await change(ada, *items)
    assert {one["status"] for one in found.values()} == {200}
    rows = await fetch(service, "SELECT id FROM tasks WHERE id = ANY($1::uuid[]) ORDER BY rank, id", ids)
    ranks = "SELECT count(DISTINCT rank) FROM tasks WHERE id = ANY($1::uuid[]) AND due_on IS NOT NULL"
    assert [str(row["id"]) for row in rows] == ids and await fetch_value(service, ranks, ids) == 100


async def test_what_matters_to_others_is_told_as_of_one(make_user: Any, service: Any) -> None:
    ada = await make_user()
    repeat = {"frequency": "weekly"}
    daily = await create(ada, "/tasks", title="Again", dueDate="2031-01-31", repeat=repeat)
    blockers = [(await create(ada, "/tasks", title="First"))["id"] for _ in range(2)]
    blocked = (await create(ada, "/tasks", title="Then"))["id"]
    for blocker in blockers:
        answer = await ada.client.put(f"{API}/tasks/{blocked}/blockers/{blocker}")
        assert answer.status == 200
    ids = [daily["id"], *blockers]
    # Done one after the other, only the last blocker unblocks the task.
    found = await change(ada, *({"id": task, "status": "done"} for task in ids))
    assert [one["status"] for one in found.values()] == [200] * 3
    told = "SELECT count(*) FROM events WHERE type = 'task.unblocked' AND entity_id = $1"
    assert await fetch_value(service, told, blocked) == 1
    assert not (await get_json(ada.client, f"/tasks/{blocked}"))["blocked"]
    due = "SELECT due_on::text FROM tasks WHERE series_id = $1 ORDER BY occurrence"
    assert [row[0] for row in await fetch(service, due, daily["seriesId"])] == ["2031-01-31", "2031-02-07"]
    # A place cannot be changed in bulk; equal values make no new version.
    place = [{"id": blocked, "place": {"before": blockers[0]}}]
    await refused(ada.client.patch(f"{API}/tasks", json={"items": place}), 422)
    same = await change(ada, {"id": blocked, "title": "Then", "priority": "medium"})
    assert (same[blocked]["status"], same[blocked]["version"]) == (200, 1)

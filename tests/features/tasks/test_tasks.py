"""Making, changing and deleting tasks: permissions, versions and references."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.api import API, NOBODY, create, fetch, fetch_value, get_json, insist, refused
from tests.conftest import wait_until
from tests.features.tasks.conftest import MakeProject, leave

pytestmark = pytest.mark.shared


async def patch(user: Any, task: Any, **body: Any) -> Any:
    """PATCH a task, which must be answered with 200; return the answer's body."""
    answer = await user.client.patch(f"{API}/tasks/{task['id']}", json=body)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_a_task_lives(make_user: Any, make_project: MakeProject, service: Any) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    task = await create(ada, "/tasks", title=" Ship it ", priority="high", dueDate="2026-03-01")
    assert (task["title"], task["priority"], task["status"]) == ("Ship it", "high", "todo")
    assert (task["dueDate"], task["dueAt"], task["dueAllDay"]) == (
        "2026-03-01",
        "2026-03-01T23:59:59.000000Z",
        True,
    )
    assert task["creator"]["id"] == str(ada.id) and task["number"] is None and not task["blocked"]
    path = f"{API}/tasks/{task['id']}"
    await refused(eve.client.get(path), 404, "task_not_found")
    await refused(eve.client.patch(path, json={"title": "Mine"}), 404, "task_not_found")

    started = await patch(ada, task, status="in_progress", version=1)
    assert started["startedAt"] is not None and started["version"] == 2
    same = await patch(ada, task, status="in_progress")
    assert same["version"] == 2
    done = await patch(ada, task, status="done", dueDate="2026-03-01T10:00:00+02:00")
    assert done["completedAt"] is not None and done["startedAt"] == started["startedAt"]
    assert (done["dueDate"], done["dueAllDay"]) == ("2026-03-01T08:00:00.000000Z", False)
    again = await patch(ada, task, status="review", dueDate=None)
    assert again["completedAt"] is None and again["dueAt"] is None

    stale = await refused(ada.client.patch(path, json={"title": "Old", "version": 1}), 409, "stale_version")
    assert stale["current"]["version"] == again["version"]
    old = ada.client.patch(path, json={"title": "Old"}, headers={"If-Match": '"1"'})
    await refused(old, 412, "stale_version")

    answer = await ada.client.put(f"{path}/assignee", json={"userId": str(bob.id)})
    assert answer.status == 200
    mine = await patch(bob, task, title="Shipped")
    assert mine["assignee"]["id"] == str(bob.id)
    await refused(bob.client.delete(path), 403, "not_your_task")
    # A user who unassigns themselves may lose sight of the task.
    gone = await patch(bob, task, assigneeId=None)
    assert gone["assignee"] is None
    await refused(bob.client.get(path), 404, "task_not_found")
    assert (await ada.client.delete(path)).status == 204
    await refused(ada.client.get(path), 404, "task_not_found")
    kept = "SELECT string_agg(field || version || old_text, ',') FROM task_revisions WHERE task_id = $1"
    assert await fetch_value(service, kept, task["id"]) == "title6Ship it"


async def test_projects_say_who_writes(make_user: Any, make_project: MakeProject) -> None:
    owner, editor, viewer, eve = [await make_user() for _ in range(4)]
    boss = await make_user(role="manager")
    project = str(await make_project(owner=owner, editor=editor, viewer=viewer))
    other = str(await make_project(owner=owner))
    first, second = [await create(owner, "/tasks", title="One", projectId=project) for _ in range(2)]
    assert (first["number"], second["number"]) == (1, 2) and first["rank"] < second["rank"]
    path = f"{API}/tasks/{first['id']}"
    assert (await get_json(viewer.client, f"/tasks/{first['id']}"))["title"] == "One"
    await refused(viewer.client.patch(path, json={"title": "Two"}), 403, "not_your_task")
    post = {"title": "Two", "projectId": project}
    await refused(viewer.client.post(f"{API}/tasks", json=post), 403, "not_your_project")
    answer = await refused(eve.client.post(f"{API}/tasks", json=post), 422)
    assert list(answer["errors"]) == ["projectId"]
    await patch(editor, first, title="Two")
    await refused(editor.client.delete(path), 403, "not_your_task")
    moved = await patch(owner, first, projectId=other)
    assert (moved["number"], moved["projectId"]) == (1, other)
    await refused(editor.client.get(path), 404, "task_not_found")
    assert (await patch(boss, first, projectId=None))["number"] is None
    assert (await boss.client.delete(path)).status == 204
    for wrong in ({"assigneeId": NOBODY}, {"leadId": NOBODY}, {"parentId": NOBODY}, {"labelIds": [NOBODY]}):
        answer = await refused(owner.client.patch(f"{API}/tasks/{second['id']}", json=wrong), 422)
        assert list(answer["errors"]) == list(wrong)


async def test_a_lead_is_linked_by_who_reads_leads(make_user: Any, service: Any) -> None:
    ada, boss = await make_user(), await make_user(role="manager")
    lead = str(await fetch_value(service, "INSERT INTO leads (name) VALUES ('A lead') RETURNING id"))
    task = await create(ada, "/tasks", title="Call them", assigneeId=str(boss.id))
    answer = ada.client.patch(f"{API}/tasks/{task['id']}", json={"leadId": lead})
    assert list((await refused(answer, 422))["errors"]) == ["leadId"]
    assert (await patch(boss, task, leadId=lead))["leadId"] == lead
    assert (await patch(ada, task, title="Call them soon"))["leadId"] == lead
    await fetch(service, "DELETE FROM leads WHERE id = $1", lead)
    assert (await get_json(ada.client, f"/tasks/{task['id']}"))["leadId"] is None


async def test_one_of_many_changes_of_a_version_wins(make_user: Any) -> None:
    ada = await make_user()
    task = await create(ada, "/tasks", title="Contested")
    path = f"/tasks/{task['id']}"
    answers = await asyncio.gather(
        *(insist(ada.client, "PATCH", path, json={"title": f"Take {n}", "version": 1}) for n in range(50))
    )
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] + [409] * 49
    stale = [await answer.json() for answer in answers if answer.status == 409]
    assert {answer["current"]["version"] for answer in stale} == {2}


async def test_a_change_that_waited_sees_what_it_waited_for(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob = await make_user(), await make_user()
    project = await make_project(owner=ada, editor=bob)
    task = await create(ada, "/tasks", title="Busy", projectId=str(project))
    path = f"{API}/tasks/{task['id']}"

    async def waits() -> bool:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')"
        return bool(await fetch_value(service, waiting))

    async with service.db.transaction(wait=5) as conn:
        # This UPDATE makes no new version.
        await conn.execute("UPDATE tasks SET title = 'Busier', rank = 7 WHERE id = $1", UUID(task["id"]))
        change = asyncio.create_task(patch(bob, task, priority="urgent"))
        await wait_until(waits)
    changed = await change
    assert (changed["title"], changed["rank"], changed["priority"]) == ("Busier", 7, "urgent")
    async with service.db.transaction(wait=5) as conn:
        await conn.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", UUID(task["id"]))
        late = asyncio.create_task(bob.client.patch(path, json={"priority": "low"}))
        await wait_until(waits)
        await leave(service, project, bob)
        # Longer than reading a task takes.
        await asyncio.sleep(0.03)
    await refused(late, 404, "task_not_found")


async def test_a_retry_shows_the_task_as_it_is_now(make_user: Any) -> None:
    ada = await make_user()
    once: dict[str, Any] = {"json": {"title": "Once"}, "headers": {"Idempotency-Key": "once"}}
    task = await (await ada.client.post(f"{API}/tasks", **once)).json()
    changed = await patch(ada, task, title="Twice")
    again = await ada.client.post(f"{API}/tasks", **once)
    assert (again.status, await again.json()) == (201, changed)

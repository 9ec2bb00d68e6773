"""Parts of tasks: subtasks, links, labels, checklists, watchers; and the trash."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from nexcorp.domain.tasks import purge_tasks
from nexcorp.errors import Contention
from nexcorp.features.tasks import trash
from tests.api import API, create, fetch, fetch_value, get_json, insist, outbox_empty, refused
from tests.conftest import wait_until
from tests.features.tasks.conftest import MakeProject, leave

pytestmark = pytest.mark.shared


async def call(user: Any, method: str, path: str, expected: int = 200, **options: Any) -> Any:
    """Send a request; assert its status, and return the answer's body."""
    answer = await user.client.call(method, API + path, **options)
    assert answer.status == expected, await answer.text()
    return await answer.json() if expected != 204 else None


async def find_tables(service: Any, word: str) -> set[str]:
    """The tables that hold a word, in text or bytes, except those of search, which a worker cleans up."""
    names = await fetch(
        service,
        "SELECT tablename::text AS name FROM pg_tables "
        "WHERE schemaname = 'public' AND tablename NOT LIKE 'search%'",
    )
    found = set()
    for row in names:
        holds = f"SELECT EXISTS (SELECT FROM {row['name']} AS t WHERE t::text LIKE ANY($1))"  # noqa: S608
        if await fetch_value(service, holds, [f"%{word}%", f"%{word.encode().hex()}%"]):
            found.add(row["name"])
    return found


async def test_subtasks_are_one_level_deep(make_user: Any, make_project: MakeProject) -> None:
    ada = await make_user()
    project, other = [str(await make_project(owner=ada)) for _ in range(2)]
    parent = await create(ada, "/tasks", title="Parent", projectId=project)
    child = await create(ada, "/tasks", title="Child", projectId=project, parentId=parent["id"])
    stranger = await create(ada, "/tasks", title="Elsewhere", projectId=other)
    path, below = f"/tasks/{parent['id']}", f"/tasks/{child['id']}"
    for body in ({"parentId": child["id"]}, {"parentId": stranger["id"]}):
        body |= {"title": "No", "projectId": project}
        await call(ada, "POST", "/tasks", 422, json=body)
    for wrong in ({"parentId": parent["id"]}, {"projectId": other}, {"parentId": stranger["id"]}):
        answer = await ada.client.patch(API + path, json=wrong)
        assert answer.status in (409, 422)
    await call(ada, "PATCH", below, json={"status": "done"})
    assert (await get_json(ada.client, path))["subtasks"] == {"total": 1, "done": 1}
    assert [row["id"] for row in (await get_json(ada.client, f"{path}/subtasks"))["data"]] == [child["id"]]
    moved = await call(ada, "PATCH", below, json={"projectId": other})
    assert (moved["parentId"], moved["projectId"]) == (None, other)
    assert (await get_json(ada.client, path))["subtasks"] == {"total": 0, "done": 0}


async def test_links_inform_and_make_no_cycle(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob = await make_user(), await make_user()
    project = str(await make_project(owner=ada))
    a, b, c, d = [await create(ada, "/tasks", title=title) for title in "abcd"]
    await call(ada, "PUT", f"/tasks/{b['id']}/blockers/{a['id']}")
    links = await call(ada, "PUT", f"/tasks/{c['id']}/blockers/{b['id']}")
    assert [row["title"] for row in links["blockers"]] == ["b"]
    for one, other in ((a, c), (a, b), (a, a)):
        refusal = ada.client.put(f"{API}/tasks/{one['id']}/blockers/{other['id']}")
        await refused(refusal, 409, "link_cycle")
    # Two concurrent links that together would close a cycle.
    answers = await asyncio.gather(
        ada.client.put(f"{API}/tasks/{a['id']}/blockers/{d['id']}"),
        ada.client.put(f"{API}/tasks/{d['id']}/blockers/{c['id']}"),
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    await fetch(service, "DELETE FROM task_links WHERE $1 IN (blocker_id, blocked_id)", d["id"])

    # Bob is told when the task that blocks his is done, and learns nothing else of that task.
    mine = await create(ada, "/tasks", title="Bob's", assigneeId=str(bob.id))
    await refused(bob.client.put(f"{API}/tasks/{mine['id']}/blockers/{a['id']}"), 404, "task_not_found")
    await call(ada, "PUT", f"/tasks/{mine['id']}/blockers/{a['id']}")
    seen = await get_json(bob.client, f"/tasks/{mine['id']}/blockers")
    assert (seen["blockers"], seen["hiddenBlockers"]) == ([], 1)
    assert (await get_json(bob.client, f"/tasks/{mine['id']}"))["blocked"]
    assert len((await get_json(ada.client, "/tasks?blocked=true"))["data"]) == 3
    await call(ada, "PATCH", f"/tasks/{a['id']}", json={"status": "cancelled"})
    assert not (await get_json(bob.client, f"/tasks/{mine['id']}"))["blocked"]
    await wait_until(lambda: outbox_empty(service))
    told = (await get_json(bob.client, "/notifications?type=task_updated"))["data"]
    assert [(row["title"], row["message"]) for row in told] == [("A task is not blocked any more", "Bob's")]

    # Bob's trail of his own change does not tell of a hidden task that it unblocked.
    hidden = await create(ada, "/tasks", title="Hidden")
    await call(ada, "PUT", f"/tasks/{hidden['id']}/blockers/{mine['id']}")
    await call(bob, "PATCH", f"/tasks/{mine['id']}", json={"status": "done"})
    trail = (await get_json(bob.client, "/events?entityType=task"))["data"]
    assert [row["entityId"] for row in trail] == [mine["id"]]
    last = (await get_json(ada.client, f"/tasks/{hidden['id']}/history"))["data"][0]
    assert (last["type"], last["actor"]) == ("task.unblocked", None)

    part = await create(ada, "/tasks", title="Part", projectId=project)
    whole = await create(ada, "/tasks", title="Whole", projectId=project)
    await call(ada, "PUT", f"/tasks/{whole['id']}/blockers/{part['id']}")
    answer = ada.client.patch(f"{API}/tasks/{part['id']}", json={"parentId": whole["id"]})
    await refused(answer, 409, "link_cycle")
    await call(ada, "DELETE", f"/tasks/{whole['id']}/blockers/{part['id']}")
    await call(ada, "PATCH", f"/tasks/{part['id']}", json={"parentId": whole["id"]})
    refusal = ada.client.put(f"{API}/tasks/{whole['id']}/blockers/{part['id']}")
    await refused(refusal, 409, "link_cycle")


async def test_there_is_an_end_to_labels(make_user: Any, make_project: MakeProject, service: Any) -> None:
    ada = await make_user()
    project = await make_project(owner=ada)
    await fetch(
        service,
        "INSERT INTO labels (project_id, name, color) "
        "SELECT $1, n::text, '#ff0000' FROM generate_series(1, 198) AS n",
        project,
    )
    body = {"color": "#ff0000", "projectId": str(project)}
    answers = await asyncio.gather(
        *(insist(ada.client, "POST", "/labels", json={**body, "name": f"One more {n}"}) for n in range(6))
    )
    assert sorted(answer.status for answer in answers) == [201] * 2 + [409] * 4


async def test_labels_belong_to_a_project(make_user: Any, make_project: MakeProject) -> None:
    ada, viewer, eve = await make_user(), await make_user(), await make_user()
    project = str(await make_project(owner=ada, viewer=viewer))
    bug = await create(ada, "/labels", name="Bug", color="#FF0000", projectId=project)
    assert bug["color"] == "#ff0000"
    await refused(
        ada.client.post(f"{API}/labels", json={"name": "bUG", "color": "#ff0000", "projectId": project}),
        409,
        "label_taken",
    )
    await create(ada, "/labels", name="api", color="#00ff00", projectId=project)
    names = [row["name"] for row in (await get_json(viewer.client, f"/labels?project={project}"))["data"]]
    assert names == ["api", "Bug"]
    await call(eve, "GET", f"/labels?project={project}", 404)
    await call(eve, "PATCH", f"/labels/{bug['id']}", 404, json={"name": "x"})
    await call(viewer, "PATCH", f"/labels/{bug['id']}", 403, json={"name": "x"})
    await call(ada, "POST", "/labels", 403, json={"name": "x", "color": "#ff0000"})
    await call(ada, "POST", "/labels", 422, json={"name": "x", "color": "red", "projectId": project})
    task = await create(ada, "/tasks", title="Crash", projectId=project, labelIds=[bug["id"]])
    assert [label["name"] for label in task["labels"]] == ["Bug"]
    await call(ada, "PATCH", f"/labels/{bug['id']}", json={"name": "Defect"})
    found = (await get_json(ada.client, f"/tasks?label={bug['id']}"))["data"]
    assert [label["name"] for label in found[0]["labels"]] == ["Defect"]
    await call(ada, "PATCH", f"/tasks/{task['id']}", 422, json={"labelIds": [bug["id"], bug["id"]]})
    moved = await call(ada, "PATCH", f"/tasks/{task['id']}", json={"projectId": None})
    assert moved["labels"] == []
    await call(ada, "PATCH", f"/tasks/{task['id']}", 422, json={"labelIds": [bug["id"]]})
    await call(ada, "DELETE", f"/labels/{bug['id']}", 204)


async def test_a_checklist_keeps_its_order(make_user: Any) -> None:
    ada = await make_user()
    task = await create(ada, "/tasks", title="Move house")
    path = f"/tasks/{task['id']}/checklist"
    for text in ("pack", "drive", "unpack"):
        items = (await create(ada, path, text=text))["data"]
    pack, drive, unpack = items
    await call(ada, "PATCH", f"{path}/{unpack['id']}", json={"place": {"before": pack["id"]}})
    moved = await call(
        ada, "PATCH", f"{path}/{pack['id']}", json={"isDone": True, "place": {"after": drive["id"]}}
    )
    assert [item["text"] for item in moved["data"]] == ["unpack", "drive", "pack"]
    await call(ada, "PATCH", f"{path}/{pack['id']}", 422, json={"place": {"after": pack["id"]}})
    shown = await get_json(ada.client, f"/tasks/{task['id']}")
    assert (shown["checklist"], shown["version"]) == ({"total": 3, "done": 1}, 1)
    await call(ada, "DELETE", f"{path}/{drive['id']}")
    await refused(ada.client.delete(f"{API}{path}/{drive['id']}"), 404, "item_not_found")


async def test_watchers_hear_of_it_while_they_see_it(
    make_user: Any, make_project: MakeProject, service: Any, connect: Any
) -> None:
    ada, bob, cy = await make_user(), await make_user(), await make_user()
    project = await make_project(owner=ada, viewer=[bob, cy])
    task = await create(ada, "/tasks", title="Plan", projectId=str(project))
    path = f"/tasks/{task['id']}"
    for person in (bob, cy):
        assert await call(person, "PUT", f"{path}/watch") == {"watching": True}
    assert (await get_json(bob.client, path))["watching"]
    live = await connect(cy)
    await live.next("connected")
    other = str(await make_project(owner=ada))
    away = await create(ada, "/tasks", title="Away", projectId=str(project))
    await call(cy, "PUT", f"/tasks/{away['id']}/watch")
    await call(ada, "PATCH", f"/tasks/{away['id']}", json={"projectId": other})
    assert (await live.next("task:deleted"))["data"] == {"id": away["id"], "reason": "moved"}
    await leave(service, project, cy)
    watchers = (await get_json(ada.client, f"{path}/watchers"))["data"]
    assert [row["user"]["id"] for row in watchers] == [str(bob.id)]
    await call(ada, "PATCH", path, json={"status": "in_progress"})
    await call(ada, "PATCH", path, json={"status": "done", "title": "Planned"})
    await call(ada, "POST", f"{path}/checklist", 201, json={"text": "nothing to hear of"})
    await wait_until(lambda: outbox_empty(service))
    told = (await get_json(bob.client, "/notifications"))["data"]
    assert [(row["type"], row["message"]) for row in told] == [
        ("task_completed", "Planned"),
        ("task_updated", "Planned: todo -> in_progress"),
    ]
    for person in (ada, cy):
        assert (await get_json(person.client, "/notifications"))["data"] == []
    assert await call(bob, "DELETE", f"{path}/watch") == {"watching": False}


async def test_history_and_trash(make_user: Any, make_project: MakeProject, service: Any) -> None:
    ada, admin = await make_user(), await make_user(role="admin")
    project = str(await make_project(owner=ada))
    task = await create(ada, "/tasks", title="Wrrds", description="All of it", projectId=project)
    path = f"/tasks/{task['id']}"
    await call(ada, "PATCH", path, json={"title": "Words", "status": "done"})
    await call(ada, "PATCH", path, json={"title": "Better words", "description": None})
    # A change without a new version has no old text.
    await call(ada, "POST", f"{path}/checklist", 201, json={"text": "A step"})
    step, *history = (await get_json(ada.client, f"{path}/history"))["data"]
    assert (step["changed"], step["texts"]) == (["checklist"], [])
    assert [(row["type"], row["changed"]) for row in history] == [
        ("task.updated", ["title", "description"]),
        ("task.updated", ["title", "status"]),
        ("task.created", []),
    ]
    assert history[1]["before"] == {"status": "todo"} and history[1]["after"] == {"status": "done"}
    assert history[1]["texts"] == [{"field": "title", "before": "Wrrds", "after": "Words"}]
    assert {row["field"]: row["after"] for row in history[0]["texts"]} == {
        "title": "Better words",
        "description": None,
    }
    trail = "SELECT string_agg(payload::text, '') FROM events WHERE entity_id = $1"
    assert "ords" not in await fetch_value(service, trail, task["id"])

    await refused(admin.client.delete(f"{API}{path}/purge"), 409, "not_in_trash")
    await call(ada, "DELETE", path, 204)
    trash = (await get_json(ada.client, "/tasks/trash"))["data"]
    assert [(row["id"], row["deletedBy"]["id"]) for row in trash] == [(task["id"], str(ada.id))]
    assert (await get_json(ada.client, "/tasks"))["data"] == []
    assert (await get_json(ada.client, f"/projects/{project}/board"))["columns"][3]["total"] == 0
    await fetch(service, "UPDATE projects SET deleted_at = now() WHERE id = $1", project)
    await refused(ada.client.post(f"{API}{path}/restore"), 409, "project_deleted")
    await fetch(service, "UPDATE projects SET deleted_at = NULL WHERE id = $1", project)
    back = await call(ada, "POST", f"{path}/restore")
    assert (back["number"], back["title"], back["version"]) == (1, "Better words", 5)
    for place, body in (
        (f"{path}/checklist", {"text": "Horrble steps"}),
        (f"{path}/checklist", {"text": "More horrble steps"}),
        ("/comments", {"taskId": task["id"], "body": "Horrble words"}),
        ("/tasks", {"title": "Of horrble words", "parentId": task["id"], "projectId": project}),
    ):
        made = await call(ada, "POST", place, 201, json=body, headers={"Idempotency-Key": str(uuid4())})
    await call(ada, "PATCH", path, json={"title": "Horrble"})
    await call(ada, "PATCH", path, json={"title": "Better words"})
    await call(ada, "DELETE", f"/tasks/{made['id']}", 204)
    await call(admin, "DELETE", f"/tasks/{made['id']}/purge", 204)
    assert await find_tables(service, "orrble") >= {"idempotency_keys", "checklist_items", "task_revisions"}
    await call(ada, "DELETE", path, 204)
    await call(admin, "DELETE", f"{path}/purge", 204)
    await call(admin, "POST", f"{path}/restore", 404)
    assert await find_tables(service, "orrble") == set()
    own = await create(ada, "/tasks", title="Mine")
    await call(ada, "DELETE", f"/tasks/{own['id']}", 204)
    assert await call(ada, "DELETE", "/tasks/trash") == {"purged": 1}
    assert (await get_json(ada.client, "/tasks/trash"))["data"] == []


async def test_a_trash_of_any_size_can_be_emptied(make_user: Any, service: Any, monkeypatch: Any) -> None:
    ada = await make_user()
    full = (
        "INSERT INTO tasks (title, kind, status, priority, creator_id, rank, deleted_at) "
        "SELECT 'Old', 'task', 'todo', 2, $1, 0, now() FROM generate_series(1, 5)"
    )
    await fetch(service, full, ada.id)
    parts = 0

    async def tire(*args: Any, **more: Any) -> int:
        nonlocal parts
        parts += 1
        if parts == 2:
            raise Contention()
        return await purge_tasks(*args, **more)

    monkeypatch.setattr(trash, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(trash, "purge_tasks", tire)
    await call(ada, "DELETE", "/tasks/trash", 503)
    # Tasks purged before the error stay purged, and the next call purges the rest.
    assert len((await get_json(ada.client, "/tasks/trash"))["data"]) == 3
    assert await call(ada, "DELETE", "/tasks/trash") == {"purged": 3}
    assert (await get_json(ada.client, "/tasks/trash"))["data"] == []

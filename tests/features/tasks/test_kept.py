"""With CACHE=on, lists and statistics come out of Redis: never what the viewer may not see any more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from nexcorp.config import Config
from nexcorp.db import sql
from tests.api import API, bring_in, create, fetch, get_json
from tests.conftest import wait_until
from tests.features.tasks.conftest import MakeProject, join, leave


@pytest.fixture
def config(own_config: Config) -> Config:
    """The service of these tests keeps lists."""
    return replace(own_config, cache=True)


async def titles(user: Any, query: str = "") -> list[str]:
    """The tasks that a person is shown."""
    return [task["title"] for task in (await get_json(user.client, f"/tasks{query}"))["data"]]


async def test_kept_lists_show_what_is_so(
    make_user: Any, make_project: MakeProject, service: Any, monkeypatch: Any
) -> None:
    ada, bob, boss = await make_user(), await make_user(), await make_user(role="manager")
    project = await make_project(owner=ada, viewer=bob)
    task = await create(ada, "/tasks", title="One", projectId=str(project))
    path = f"{API}/tasks/{task['id']}"
    made = 0
    real = sql.task_lists.list_by_created

    async def count(*args: Any, **more: Any) -> Any:
        nonlocal made
        made += 1
        await asyncio.sleep(0.02)
        return await real(*args, **more)

    from nexcorp.features.tasks import lists

    created = replace(lists.SORTS["created"], list=count)
    monkeypatch.setitem(lists.SORTS, "created", created)
    # One flight for all who ask at once, and nothing made while it is kept.
    shown = await asyncio.gather(*(titles(bob) for _ in range(5)))
    assert shown == [["One"]] * 5 and made == 1
    assert await titles(bob) == await titles(bob) == ["One"] and made == 1
    assert await titles(boss) == ["One"] and made == 2

    # What others change is shown at once, and what is only the viewer's own.
    await ada.client.patch(path, json={"title": "Two"})
    assert await titles(bob) == await titles(boss) == ["Two"]
    await create(ada, "/tasks", title="Three", projectId=str(project))
    assert await titles(bob) == ["Three", "Two"]
    assert (await bob.client.put(f"{path}/watch")).status == 200
    [_, watched] = (await get_json(bob.client, "/tasks"))["data"]
    assert watched["watching"]
    before = made
    assert await titles(bob, "?page=1&pageSize=5") == ["Three", "Two"]
    stats = await get_json(bob.client, f"/tasks/stats?project={project}")
    assert stats == await get_json(bob.client, f"/tasks/stats?project={project}") and stats["total"] == 2

    # What comes out of a file is shown as well, once the worker has it in.
    assert await titles(bob, "?assignee=me") == []
    found = await bring_in(ada, "/tasks/import", f"title,assignee\nFrom a file,{bob.username}\n")
    assert found["counts"]["created"] == 1

    async def is_shown() -> bool:
        return await titles(bob, "?assignee=me") == ["From a file"]

    await wait_until(is_shown)
    await fetch(service, "DELETE FROM tasks WHERE title = 'From a file'")

    # Sight ends with the membership, whoever forgot to say so; and begins with it.
    await leave(service, project, bob)
    assert await titles(bob) == [] == await titles(bob, "?page=1&pageSize=5")
    assert (await bob.client.get(f"{API}/tasks/stats?project={project}")).status == 404
    await join(service, project, bob, "viewer")
    assert await titles(bob) == ["Three", "Two"]
    # As if what was kept had not been forgotten: it is looked at before it is shown.
    await fetch(service, "UPDATE tasks SET deleted_at = now() WHERE title = 'Two'")
    assert await titles(bob) == ["Three"] == await titles(boss)
    assert made > before
    answer = await ada.client.patch(f"{API}/tasks", json={"items": [{"id": task["id"], "title": "Gone"}]})
    assert (await answer.json())["data"][0]["code"] == "task_not_found"
    assert (await ada.client.post(f"{path}/restore")).status == 200
    assert await titles(bob) == ["Three", "Two"]
    assert (await get_json(bob.client, f"/tasks/stats?project={project}"))["total"] == 2


async def test_what_changes_without_another_version_is_shown(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob, boss = await make_user(), await make_user(), await make_user(role="manager")
    project = str(await make_project(owner=ada))
    label = await create(ada, "/labels", name="Secret", color="#ff0000", projectId=project)
    lead = await create(boss, "/leads", name="Somebody")
    # Of no project of Bob's: what is kept for him is not forgotten with it.
    body = {"projectId": project, "labelIds": [label["id"]], "leadId": lead["id"], "assigneeId": str(bob.id)}
    task = await create(boss, "/tasks", title="One", **body)

    async def show() -> tuple[Any, ...]:
        [shown] = (await get_json(bob.client, "/tasks"))["data"]
        return [one["name"] for one in shown["labels"]], shown["leadId"], shown["subtasks"]["total"]

    assert await show() == (["Secret"], lead["id"], 0)
    await create(ada, "/tasks", title="Part", projectId=project, parentId=task["id"])
    assert (await ada.client.patch(f"{API}/labels/{label['id']}", json={"name": "Open"})).status == 200
    assert await show() == (["Open"], lead["id"], 1)
    assert (await ada.client.delete(f"{API}/labels/{label['id']}")).status == 204
    assert (await boss.client.delete(f"{API}/leads/{lead['id']}")).status == 204
    assert await show() == ([], None, 1)

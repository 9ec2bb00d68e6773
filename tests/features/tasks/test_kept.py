"""With CACHE=on, lists and statistics come from Redis, and never show what a viewer may no longer see."""

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
    """The settings of a service that caches lists."""
    return replace(own_config, cache=True)


async def titles(user: Any, query: str = "") -> list[str]:
    """The titles in the user's list."""
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
    # Concurrent requests share one query, and a cached list needs none.
    shown = await asyncio.gather(*(titles(bob) for _ in range(5)))
    assert shown == [["One"]] * 5 and made == 1

    async def is_kept() -> bool:
        # A slow Redis is left alone for a second, and PostgreSQL is asked meanwhile.
        before = made
        assert await titles(bob) == await titles(boss) == ["One"]
        assert await titles(bob) == await titles(boss) == ["One"]
        return made <= before + 1

    await wait_until(is_kept)

    # Changes by others show at once, and so do the viewer's own, like `watching`.
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

    # Imported tasks show, too, once the worker has imported them.
    assert await titles(bob, "?assignee=me") == []
    found = await bring_in(ada, "/tasks/import", f"title,assignee\nFrom a file,{bob.username}\n")
    assert found["counts"]["created"] == 1

    async def is_shown() -> bool:
        return await titles(bob, "?assignee=me") == ["From a file"]

    await wait_until(is_shown)
    await fetch(service, "DELETE FROM tasks WHERE title = 'From a file'")

    # A list changes with the viewer's membership, even if no event tells of it.
    await leave(service, project, bob)
    assert await titles(bob) == [] == await titles(bob, "?page=1&pageSize=5")
    assert (await bob.client.get(f"{API}/tasks/stats?project={project}")).status == 404
    await join(service, project, bob, "viewer")
    assert await titles(bob) == ["Three", "Two"]
    # Even if no event emptied the cache: a cached list is checked before it is shown.
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
    # Bob is not a member: events of the project do not clear his cached lists.
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

"""With CACHE=on, lists and statistics come out of Redis: never what the viewer may not see any more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from nexcorp.config import Config
from nexcorp.db import sql
from tests.api import API, create, fetch, get_json
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

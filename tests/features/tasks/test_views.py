"""Saved views: private, or shared with a project."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api import API, create, fetch, fetch_value, get_json, insist, refused, walk
from tests.features.tasks.conftest import MakeProject, leave

pytestmark = pytest.mark.shared


async def test_views_are_shared_with_a_project(
    make_user: Any, make_project: MakeProject, service: Any
) -> None:
    ada, bob, eve = await make_user(), await make_user(), await make_user()
    project = await make_project(owner=ada, viewer=bob)
    query = {"status": "todo,review", "due": "overdue", "sort": "due", "assignee": "none"}
    view = await create(ada, "/task-views", name=" Late ", query=query, projectId=str(project), shared=True)
    assert (view["name"], view["query"], view["mine"], view["version"]) == ("Late", query, True, 1)
    path = f"{API}/task-views/{view['id']}"
    await create(ada, "/task-views", name="Mine", query={})
    # A saved query is valid for GET /tasks.
    assert (await ada.client.get(f"{API}/tasks", params=view["query"])).status == 200
    [[shown]] = await walk(bob.client, f"/task-views?project={project}", 10)
    assert (shown["id"], shown["mine"], shown["owner"]["id"]) == (view["id"], False, str(ada.id))
    assert [len(page) for page in await walk(ada.client, "/task-views", 1)] == [1, 1]
    assert await walk(eve.client, "/task-views", 10) == [[]]
    await refused(bob.client.patch(path, json={"name": "Mine"}), 403, "not_your_view")
    await refused(bob.client.delete(path), 403, "not_your_view")
    await refused(eve.client.get(path), 404, "view_not_found")

    answer = await ada.client.patch(path, json={"query": {"priority": "urgent"}, "version": 1})
    assert (await answer.json())["query"] == {"priority": "urgent"} and answer.status == 200
    stale = await refused(ada.client.patch(path, json={"name": "Old", "version": 1}), 409, "stale_version")
    assert stale["current"]["version"] == 2
    await leave(service, project, bob)
    await refused(bob.client.get(path), 404, "view_not_found")
    # A former member cannot change a shared view of the project, but may unshare or delete their own.
    await leave(service, project, ada)
    answer = await refused(ada.client.patch(path, json={"name": "Still here"}), 422)
    assert list(answer["errors"]) == ["projectId"]
    assert (await ada.client.patch(path, json={"name": "My own", "shared": False})).status == 200
    assert (await ada.client.delete(path)).status == 204
    await refused(ada.client.get(path), 404, "view_not_found")
    texts = "SELECT count(*) FROM events WHERE entity_type = 'view' AND payload::text ~ 'Late|urgent|My own'"
    assert await fetch_value(service, texts) == 0

    wrong: list[tuple[dict[str, Any], str]] = [
        ({"query": {"status": "new"}}, "query.status"),
        ({"query": {"colour": "red"}}, "query.colour"),
        ({"query": {"limit": "5"}}, "query.limit"),
        ({"query": {"sort": "title;drop"}}, "query.sort"),
        ({"query": "overdue"}, "query"),
        ({"query": {}, "shared": True}, "shared"),
        ({"query": {}, "projectId": str(project)}, "projectId"),
    ]
    for body, name in wrong:
        answer = await refused(eve.client.post(f"{API}/task-views", json={"name": "No", **body}), 422)
        assert [key.removesuffix("._schema") for key in answer["errors"]] == [name]


async def test_there_is_an_end_to_views(make_user: Any, service: Any) -> None:
    ada = await make_user()
    await fetch(
        service,
        "INSERT INTO saved_views (owner_id, name, query) SELECT $1, 'View', '{}' FROM generate_series(1, 98)",
        ada.id,
    )
    body = {"name": "One more", "query": {}}
    answers = await asyncio.gather(*(insist(ada.client, "POST", "/task-views", json=body) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [201] * 2 + [409] * 4
    assert (await refused(ada.client.post(f"{API}/task-views", json=body), 409))["code"] == "too_many_views"
    assert len((await get_json(ada.client, "/task-views?limit=100"))["data"]) == 100

"""Lists of tasks: filters, orders, pages and totals, and who sees which tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api import API, BAD_LIMITS, create, get_json, refused, walk
from tests.features.tasks.conftest import MakeProject

pytestmark = pytest.mark.shared


def titles(rows: list[dict[str, Any]]) -> list[str]:
    """The titles, in order."""
    return [row["title"] for row in rows]


async def test_filters_orders_and_pages(make_user: Any, make_project: MakeProject) -> None:
    ada, bob = await make_user(), await make_user()
    project = str(await make_project(editor=ada))
    now = datetime.now(UTC)
    soon, past = (now + timedelta(hours=1)).isoformat(), (now - timedelta(hours=1)).isoformat()
    a = await create(ada, "/tasks", title="Alpha", priority="low", projectId=project, dueDate=soon)
    await create(ada, "/tasks", title="Bêta 100%", priority="urgent", kind="issue", dueDate=past)
    await create(ada, "/tasks", title="Gamma", status="done", assigneeId=str(bob.id), dueDate=past)
    await create(ada, "/tasks", title="Delta", priority="urgent", projectId=project, parentId=a["id"])
    await create(bob, "/tasks", title="Not Ada's", priority="urgent")
    assert titles((await get_json(ada.client, "/tasks"))["data"]) == ["Delta", "Gamma", "Bêta 100%", "Alpha"]
    for query, expected in {
        "sort=priority": ["Delta", "Bêta 100%", "Gamma", "Alpha"],
        "sort=due": ["Bêta 100%", "Gamma", "Alpha", "Delta"],
        "sort=updated": ["Delta", "Gamma", "Bêta 100%", "Alpha"],
        "status=todo,review&priority=LOW,medium": ["Alpha"],
        f"project={project}&sort=due": ["Alpha", "Delta"],
        "project=none": ["Gamma", "Bêta 100%"],
        "assignee=none": ["Delta", "Bêta 100%", "Alpha"],
        f"assignee={bob.id}&sort=updated": ["Gamma"],
        f"creator={bob.id}": [],
        "creator=me&assignee=none&sort=due": ["Bêta 100%", "Alpha", "Delta"],
        "assignee=me": [],
        f"parent={a['id']}&sort=priority": ["Delta"],
        "kind=ISSUE&sort=Due&creator=Me": ["Bêta 100%"],
        "q=BETA 100%25": ["Bêta 100%"],
        "q=l_ha": [],
        "due=overdue": ["Bêta 100%"],
        "blocked=true": [],
    }.items():
        found = titles((await get_json(ada.client, f"/tasks?{query}"))["data"])
        assert found == expected, query
    # A task due an hour ago may also be due today.
    assert titles((await get_json(ada.client, "/tasks?due=week&sort=due"))["data"])[-1] == "Alpha"
    for sort in ("created", "updated", "due", "priority"):
        whole = titles((await get_json(ada.client, f"/tasks?sort={sort}"))["data"])
        pages = await walk(ada.client, f"/tasks?sort={sort}", 1)
        assert titles([row for page in pages for row in page]) == whole
        second = await get_json(ada.client, f"/tasks?sort={sort}&page=2&pageSize=3")
        assert (titles(second["data"]), second["total"], second["totalCapped"]) == (whole[3:], 4, False)
    for query in ("sort=title;drop", "status=open", "page=101&pageSize=100", "page=1&limit=5", "project=me"):
        await refused(ada.client.get(f"{API}/tasks?{query}"), 422)
    for limit in BAD_LIMITS:
        await refused(ada.client.get(f"{API}/tasks?limit={limit}"), 422)


async def test_a_member_of_many_projects_sees_what_is_theirs(
    make_user: Any, make_project: MakeProject
) -> None:
    """Such lists walk through the newest of all tasks first, and skip those of others."""
    ada, bob = await make_user(), await make_user()
    expected = []
    for number in range(21):
        shared = str(await make_project(editor=ada, viewer=bob))
        if number > 9:
            continue
        expected.append(await create(ada, "/tasks", title=f"Shared {number}", projectId=shared))
        await create(ada, "/tasks", title="Ada's alone")
    expected.append(await create(bob, "/tasks", title="Bob's"))
    for sort in ("created", "updated", "due", "priority"):
        pages = await walk(bob.client, f"/tasks?sort={sort}", 4)
        found = [row["id"] for page in pages for row in page]
        assert len(found) == 11 and set(found) == {task["id"] for task in expected}, sort
        narrow = (await get_json(bob.client, f"/tasks?sort={sort}&status=todo&limit=4&creator={ada.id}"))[
            "data"
        ]
        assert {row["creator"]["id"] for row in narrow} == {str(ada.id)}

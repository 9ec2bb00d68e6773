"""A project and its task statistics when an owner is deactivated or the project is deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api import API, blocked, create, fetch, fetch_value, get_json, refused
from tests.conftest import wait_until
from tests.features.projects.helpers import found, put, remove
from tests.leaving import leave

pytestmark = pytest.mark.shared

OWNERS = """
SELECT count(*)
FROM project_members AS m
INNER JOIN users AS u ON u.id = m.user_id
WHERE m.project_id = $1 AND m.role = 'owner' AND u.status = 'active'
"""


async def deactivate(service: Any, person: Any) -> None:
    """Deactivate a person, as an admin does."""
    await fetch(service, "UPDATE users SET status = 'deactivated' WHERE id = $1", person.id)


async def test_an_owner_who_is_deactivated_is_no_other_owner(make_user: Any, service: Any) -> None:
    ada, bob, cyd = [await make_user() for _ in range(3)]
    project, alone = await found(ada, owner=bob, editor=cyd), await found(ada, owner=bob)
    await deactivate(service, bob)
    await refused(remove(ada, project, ada), 409, "last_owner")
    await refused(put(ada, project, ada, "viewer"), 409, "last_owner")
    async with service.db.transaction(wait=5) as conn:
        await leave(conn, ada.id)
    assert await fetch_value(service, OWNERS, project) == 1
    assert (await get_json(cyd.client, f"/projects/{project}"))["role"] == "owner"
    # No member can follow as owner, but the project stays, since its owner may come back.
    assert await fetch_value(service, "SELECT deleted_at IS NULL FROM projects WHERE id = $1", alone)


async def test_of_an_owner_who_goes_while_one_leaves_the_company_one_stays(
    make_user: Any, service: Any
) -> None:
    ada, bob, cyd = [await make_user() for _ in range(3)]
    project = await found(ada, owner=bob, editor=cyd)
    async with service.db.transaction(wait=5) as conn:
        await leave(conn, bob.id)
        going = asyncio.create_task(remove(ada, project, ada))
        await wait_until(lambda: blocked(service))
    await refused(going, 409, "last_owner")
    assert await fetch_value(service, OWNERS, project) == 1


async def test_figures_leave_out_tasks_of_projects_in_the_trash(make_user: Any) -> None:
    ada, boss = await make_user(), await make_user(role="manager")
    project = await found(ada)
    for owner in (project, None):
        late = {"dueDate": "2020-01-01T00:00:00Z"}
        await create(ada, "/tasks", title="Late", **late, **({"projectId": owner} if owner else {}))

    async def count() -> list[tuple[int, int, int]]:
        figures = [await get_json(person.client, "/tasks/stats") for person in (ada, boss)]
        return [(one["total"], one["open"], one["overdue"]) for one in figures]

    before = await count()
    assert before[0] == (2, 2, 2)
    assert (await ada.client.delete(f"{API}/projects/{project}")).status == 204
    assert (await count())[0] == (1, 1, 1)
    assert (await ada.client.post(f"{API}/projects/{project}/restore")).status == 200
    assert await count() == before

"""Data of a project that its readers, or its former members, may not see."""

from __future__ import annotations

from typing import Any

import pytest

from nexcorp.db import sql
from tests.api import API, create, fetch, get_json
from tests.features.files.helpers import make
from tests.features.projects.helpers import found, remove

pytestmark = pytest.mark.shared


async def read_activity(client: Any, project: str) -> set[str]:
    """The entity types in a project's activity, as the caller sees it."""
    rows = (await get_json(client, f"/projects/{project}/activity?limit=50"))["data"]
    return {row["entityType"] for row in rows}


async def test_activity_tells_what_the_caller_may_read(make_user: Any, client: Any) -> None:
    ada, bob, eve = [await make_user() for _ in range(3)]
    project = await found(ada, "internal", viewer=bob)
    await make(ada, project, "plan.md")
    await create(ada, f"/projects/{project}/sessions", title="Now")
    task = await create(ada, "/tasks", title="Ours", projectId=project)
    await create(ada, "/labels", name="bug", color="#ff0000", projectId=project)
    await create(ada, "/comments", taskId=task["id"], body="Indeed.")
    # Chats of the assistant about the project show only to their owner.
    for person in (ada, eve):
        await create(person, "/ai/chats", projectId=project)
    shared = {"project", "file", "collab_session"}
    for person in (ada, bob):
        assert await read_activity(person.client, project) == shared | {"task", "label", "comment"}
    key = (await create(bob, "/auth/api-keys", name="files", scopes=["project:read"]))["key"]
    blind = client.as_user({"Authorization": f"Bearer {key}"})
    assert await read_activity(blind, project) == shared


async def test_an_export_names_files_that_its_person_may_still_see(make_user: Any, service: Any) -> None:
    ada, bob = await make_user(), await make_user()
    project = await found(ada, editor=bob)
    file = await make(bob, project, "mine.md")

    async def export() -> list[Any]:
        async with service.db.connection(wait=5) as conn:
            rows = await sql.files.export_files(conn, user_id=bob.id)
        return [(str(row["id"]), row["path"]) for row in rows]

    assert await export() == [(file["id"], "mine.md")]
    assert (await remove(ada, project, bob)).status == 204
    renamed = await ada.client.patch(f"{API}/files/{file['id']}", json={"path": "of-bob-who-left.md"})
    assert renamed.status == 200
    assert await export() == [(file["id"], None)]


async def test_deleted_tasks_of_a_project_that_has_expired_are_nobodys(make_user: Any, service: Any) -> None:
    """They are gone for everybody, even before the job removes them."""
    ada, boss = await make_user(), await make_user(role="manager")
    project = await found(ada)
    task = await create(ada, "/tasks", title="Gone", projectId=project)
    assert (await ada.client.delete(f"{API}/tasks/{task['id']}")).status == 204
    assert (await ada.client.delete(f"{API}/projects/{project}")).status == 204

    async def is_listed(person: Any) -> bool:
        return task["id"] in [row["id"] for row in (await get_json(person.client, "/tasks/trash"))["data"]]

    assert await is_listed(ada) and await is_listed(boss)
    await fetch(service, "UPDATE projects SET deleted_at = now() - interval '31 days' WHERE id = $1", project)
    assert not await is_listed(ada) and not await is_listed(boss)
    assert (await ada.client.post(f"{API}/tasks/{task['id']}/restore")).status == 404


async def test_a_key_without_projects_brings_nobody_into_one(make_user: Any, client: Any) -> None:
    ada, eve = await make_user(), await make_user()
    project = await found(ada)
    post = await create(ada, "/posts", type="project", title="Who?", body="Who joins?", projectId=project)
    assert (await eve.client.put(f"{API}/posts/{post['id']}/interest")).status == 200
    for scopes, status in ((["post:read", "post:create"], 403), (["post:create", "project:create"], 200)):
        key = (await create(ada, "/auth/api-keys", name="posts", scopes=scopes))["key"]
        caller = client.as_user({"Authorization": f"Bearer {key}"})
        body = {"userId": str(eve.id)}
        answer = await caller.put(f"{API}/posts/{post['id']}/assignee", json=body)
        assert answer.status == status, await answer.text()
        seen = await eve.client.get(f"{API}/projects/{project}")
        assert seen.status == (404 if status == 403 else 200)

"""Makers for the rules of work.py, projects.py and files.py; see makers.py."""

from __future__ import annotations

from typing import Any

from aiohttp import FormData

from tests.api import create
from tests.policy.rules import Made
from tests.policy.world import Person, World


async def a_task(world: World, owner: Person) -> Made:
    """A task of the owner."""
    return {"id": (await create(owner, "/tasks", title="To be done"))["id"]}


async def task_id(world: World, owner: Person) -> Any:
    """The id of a task of the owner."""
    return (await a_task(world, owner))["id"]


async def a_workplace(world: World, owner: Person) -> Made:
    """A project that the owner works on."""
    [row] = await world.fetch(
        """
        WITH made AS (INSERT INTO projects (name) VALUES ('A project') RETURNING id)
        INSERT INTO project_members (project_id, user_id, role)
        SELECT id, $1, 'owner' FROM made
        RETURNING project_id AS id
        """,
        owner.id,
    )
    return {"id": row["id"]}


async def a_linked_workplace(world: World, owner: Person) -> Made:
    """Create a project of the owner, linked to a repository with one commit."""
    place, sha = await a_workplace(world, owner), "ab" * 20
    await world.fetch(
        """
        WITH made AS (
            INSERT INTO repositories (project_id, url) VALUES ($1, 'https://1.1.1.1/a.git') RETURNING id
        )
        INSERT INTO git_commits (
            repository_id, sha, n, parents, author_name, author_email, authored_at, committed_at,
            subject, body
        )
        SELECT id, decode($2, 'hex'), 1, '{}', 'Ada', 'ada@example.com', now(), now(), 'Begin', '' FROM made
        """,
        place["id"],
        sha,
    )
    return {**place, "sha": sha}


async def workplace_id(world: World, owner: Person) -> Any:
    """The id of a project that the owner works on."""
    return (await a_workplace(world, owner))["id"]


async def two_tasks(world: World, owner: Person) -> Made:
    """Create a task that a stranger does not see, and another one to block it."""
    return {**await a_task(world, owner), "blockerId": (await a_task(world, owner))["id"]}


async def a_step(world: World, owner: Person) -> Made:
    """A task of the owner with a step on its checklist."""
    task = await a_task(world, owner)
    steps = await create(owner, f"/tasks/{task['id']}/checklist", text="A step")
    return {**task, "itemId": steps["data"][0]["id"]}


async def a_trashed_task(world: World, owner: Person) -> Made:
    """A task of the owner in the trash."""
    task = await a_task(world, owner)
    assert (await owner.client.delete(f"/api/v1/tasks/{task['id']}")).status == 204
    return task


async def a_label(world: World, owner: Person) -> Made:
    """A label of a project that the owner works on."""
    project = await a_workplace(world, owner)
    label = await create(owner, "/labels", name="bug", color="#ff0000", projectId=str(project["id"]))
    return {"id": label["id"]}


async def a_view(world: World, owner: Person) -> Made:
    """A saved view of the owner."""
    return {"id": (await create(owner, "/task-views", name="Late", query={"due": "overdue"}))["id"]}


async def a_table(world: World, owner: Person) -> Made:
    """A small CSV file."""
    return {"file": b"title\nFrom a file\n"}


def as_form(made: Made) -> FormData:
    """The file as a form sends it."""
    form = FormData()
    form.add_field("file", made["file"], filename="tasks.csv", content_type="text/csv")
    return form


async def an_import(world: World, owner: Person) -> Made:
    """Start an import of the owner's."""
    answer = await owner.client.post("/api/v1/tasks/import", data=as_form(await a_table(world, owner)))
    assert answer.status == 202, await answer.text()
    made: Made = await answer.json()
    return made


async def a_trashed_workplace(world: World, owner: Person) -> Made:
    """A project of the owner in the trash."""
    place = await a_workplace(world, owner)
    assert (await owner.client.delete(f"/api/v1/projects/{place['id']}")).status == 204
    return place


async def a_workplace_with_another(world: World, owner: Person) -> Made:
    """Create a project of the owner with another member."""
    place, other = await a_workplace(world, owner), await world.person()
    path = f"/api/v1/projects/{place['id']}/members/{other.id}"
    assert (await owner.client.put(path, json={"role": "viewer"})).status == 200
    return {**place, "userId": other.id}


async def a_session(world: World, owner: Person) -> Made:
    """Create a session in a project of the owner, who hosts it."""
    place = await a_workplace(world, owner)
    return {"id": (await create(owner, f"/projects/{place['id']}/sessions", title="Pairing"))["id"]}


async def a_file(world: World, owner: Person) -> Made:
    """Create a file in a project of the owner; return its id, and 1 for its version."""
    place = await a_workplace(world, owner)
    made = await create(owner, f"/projects/{place['id']}/files", path="docs/plan.md", content="First.\n")
    return {"id": made["id"], "n": 1}


async def a_trashed_file(world: World, owner: Person) -> Made:
    """A file in the trash of a project of the owner."""
    file = await a_file(world, owner)
    assert (await owner.client.delete(f"/api/v1/files/{file['id']}")).status == 204
    return file


async def a_folder(world: World, owner: Person) -> Made:
    """A project of the owner with a file in its folder `docs`."""
    place = await a_workplace(world, owner)
    await create(owner, f"/projects/{place['id']}/files", path="docs/plan.md")
    return place

"""Make projects and change their members over the API."""

from __future__ import annotations

from typing import Any

from tests.api import API, create

ROLES = ("owner", "editor", "viewer")


async def found(owner: Any, visibility: str = "private", /, **members: Any) -> str:
    """Make a project of the owner's, with one member for each role given; return its id."""
    project: str = (await create(owner, "/projects", name="A project", visibility=visibility))["id"]
    for role, person in members.items():
        await join(owner, project, person, role)
    return project


async def join(owner: Any, project: str, person: Any, role: str) -> None:
    """Make a person a member, or give them another role."""
    answer = await put(owner, project, person, role)
    assert answer.status == 200, await answer.text()


async def put(owner: Any, project: str, person: Any, role: str) -> Any:
    """Set a person's role in a project; return the answer."""
    return await owner.client.put(f"{API}/projects/{project}/members/{person.id}", json={"role": role})


async def remove(owner: Any, project: str, person: Any) -> Any:
    """Remove a member; return the answer."""
    return await owner.client.delete(f"{API}/projects/{project}/members/{person.id}")

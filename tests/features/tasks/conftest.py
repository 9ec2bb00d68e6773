"""Make projects and their members by SQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from tests.api import fetch, fetch_value
from tests.conftest import Service

MakeProject = Callable[..., Awaitable[UUID]]


@pytest.fixture
def make_project(service: Service) -> MakeProject:
    """`await make_project(owner=ada, viewer=[...])`: a new project with these members."""

    async def make(**members: Any) -> UUID:
        project_id: UUID = await fetch_value(
            service, "INSERT INTO projects (name) VALUES ('A project') RETURNING id"
        )
        for role, people in members.items():
            for person in people if isinstance(people, list) else [people]:
                await join(service, project_id, person, role)
        return project_id

    return make


async def join(service: Any, project_id: UUID, person: Any, role: str) -> None:
    """Make a person a member, or give them another role."""
    await fetch(
        service,
        "INSERT INTO project_members (project_id, user_id, role) VALUES ($1, $2, $3) "
        "ON CONFLICT ON CONSTRAINT project_members_pkey DO UPDATE SET role = excluded.role",
        project_id,
        person.id,
        role,
    )


async def leave(service: Any, project_id: UUID, person: Any) -> None:
    """Remove a member."""
    await fetch(
        service,
        "DELETE FROM project_members WHERE project_id = $1 AND user_id = $2",
        project_id,
        person.id,
    )

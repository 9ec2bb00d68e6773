"""Remove a person who leaves from their projects, and give those without an owner a new one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.projects import tell_member, tell_project


async def forget_member(conn: Any, user_id: UUID) -> None:
    """Remove a person from their projects, which the caller has locked.

    If no owner is left who can sign in, the longest-serving editor becomes one, or else the longest-serving
    viewer; a project with neither, nor any owner who may come back, is moved to the trash.
    """
    for row in await sql.projects.forget_member(conn, user_id=user_id):
        project_id = row["projectId"]
        await tell_member(conn, project_id, user_id, None, before=row["role"], after=None)
        if row["heirId"] is not None:
            await tell_member(conn, project_id, row["heirId"], None, before=row["heirRole"], after="owner")
        elif row["trashed"]:
            await tell_project(conn, "project.deleted", project_id, None, {})

"""A person leaves: they are a member of no project, and none is left without an owner."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.projects import tell_member, tell_project


async def forget_member(conn: Any, user_id: UUID) -> None:
    """Take a person out of their projects, which are locked.

    Where they were the last owner the longest editor follows, or else the longest viewer; a project without
    either goes into the trash.
    """
    for row in await sql.projects.forget_member(conn, user_id=user_id):
        project_id = row["projectId"]
        await tell_member(conn, project_id, user_id, None, before=row["role"], after=None)
        if row["heirId"] is not None:
            await tell_member(conn, project_id, row["heirId"], None, before=row["heirRole"], after="owner")
        elif row["trashed"]:
            await tell_project(conn, "project.deleted", project_id, None, {})

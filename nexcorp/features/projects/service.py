"""The rules of projects: who sees and changes one, and the events that follow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.projects import MANAGE, require_role, tell_project
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import ProjectNotFound
from nexcorp.security.caller import Caller


async def get_project(conn: Any, caller: Caller | None, project_id: UUID) -> Any:
    """Return a project that the caller (None: nobody is signed in) may see; raise ProjectNotFound."""
    project = await sql.projects.get_project(
        conn,
        project_id=project_id,
        viewer_id=caller.id if caller is not None else None,
        manages=caller is not None and caller.may(MANAGE),
    )
    if project is None:
        raise ProjectNotFound()
    return project


async def create_project(conn: Any, caller: Caller, data: dict[str, Any]) -> Any:
    """Create a project from the fields of CreateProject, with the caller as its owner; return it."""
    project_id = await sql.projects.create_project(
        conn,
        creator_id=caller.id,
        name=data["name"],
        description=data["description"],
        visibility=data["visibility"],
    )
    after = {"visibility": data["visibility"]}
    await tell_project(conn, "project.created", project_id, caller.id, {"version": 1, "after": after})
    return await get_project(conn, caller, project_id)


async def lock_own(conn: Any, caller: Caller, project_id: UUID) -> Any:
    """Lock and return a project that the caller owns; raise ProjectNotFound, NotYourProject."""
    await sql.projects.lock_project(conn, project_id=project_id)
    await require_role(conn, project_id, caller.id, caller.may(MANAGE), ("owner",))
    return await get_project(conn, caller, project_id)


async def update_project(
    conn: Any,
    caller: Caller,
    project_id: UUID,
    data: dict[str, Any],
    versions: Versions | None,
    by_etag: bool,
) -> Any:
    """Change the fields in `data`; return the project, unchanged if it has these values already.

    Raises as lock_own() does, and for old `versions` StaleVersion with the current row, or PreconditionFailed
    if they came as If-Match.
    """
    project = await lock_own(conn, caller, project_id)
    check_version(project, versions, by_etag=by_etag)
    changes = {name: value for name, value in data.items() if value != project[name]}
    if not changes:
        return project
    await sql.projects.update_project(
        conn,
        project_id=project_id,
        name=changes.get("name"),
        set_description="description" in changes,
        description=changes.get("description"),
        visibility=changes.get("visibility"),
    )
    payload: dict[str, Any] = {"version": project["version"] + 1, "changed": sorted(changes)}
    if "visibility" in changes:
        payload["before"] = {"visibility": project["visibility"]}
        payload["after"] = {"visibility": changes["visibility"]}
    await tell_project(conn, "project.updated", project_id, caller.id, payload)
    return await get_project(conn, caller, project_id)


async def delete_project(
    conn: Any, caller: Caller, project_id: UUID, versions: Versions | None = None
) -> None:
    """Move a project to the trash, hidden from all; raises as lock_own() does, and PreconditionFailed."""
    project = await lock_own(conn, caller, project_id)
    check_version(project, versions)
    await sql.projects.trash_project(conn, project_id=project_id, user_id=caller.id)
    payload = {"version": project["version"] + 1}
    await tell_project(conn, "project.deleted", project_id, caller.id, payload)


async def restore_project(conn: Any, caller: Caller, project_id: UUID) -> Any:
    """Restore a project and its contents from the trash; return it. Raises ProjectNotFound."""
    await sql.projects.lock_project(conn, project_id=project_id)
    if not await sql.projects.may_restore(
        conn, project_id=project_id, viewer_id=caller.id, manages=caller.may(MANAGE)
    ):
        raise ProjectNotFound()
    await sql.projects.restore_project(conn, project_id=project_id)
    project = await get_project(conn, caller, project_id)
    await tell_project(conn, "project.restored", project_id, caller.id, {"version": project["version"]})
    return project

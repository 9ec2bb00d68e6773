"""Roles and members of projects, for several features."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Revoke
from nexcorp.domain.sessions import leave_sessions
from nexcorp.domain.tasks import forget_kept
from nexcorp.errors import NotYourProject, PermissionRequired, ProjectNotFound

MANAGE = "project:manage"
WRITE = "project:create"
WRITERS = ("owner", "editor")


async def require_role(
    conn: Any, project_id: UUID, viewer_id: UUID, manages: bool, roles: Collection[str]
) -> str:
    """Return a person's role in a project; raises ProjectNotFound, or NotYourProject if it is not in `roles`.

    `manages`: whether they hold project:manage.
    """
    role: str | None = await sql.projects.get_role(
        conn, project_id=project_id, viewer_id=viewer_id, manages=manages
    )
    if role is None:
        raise ProjectNotFound()
    if role not in roles:
        who = " and ".join(f"{one}s" for one in roles)
        raise NotYourProject(message=f"Only {who} of the project may do this.")
    return role


async def tell_project(
    conn: Any, event: str, project_id: UUID, actor_id: UUID | None, payload: dict[str, Any]
) -> None:
    """Emit `event` of a project, and have every process read the rights in it anew."""
    await emit(
        conn,
        event,
        actor_id=actor_id,
        entity=("project", project_id),
        payload={"projectId": project_id, **payload},
    )
    # Also outdates lists and statistics of tasks: those of the project, and of the person who came or went.
    forget_kept(conn, [{"projectId": project_id, "assigneeId": payload.get("userId")}])
    conn.after(Revoke(projects=(project_id,)))


async def tell_member(
    conn: Any,
    project_id: UUID,
    user_id: UUID,
    actor_id: UUID | None,
    *,
    before: str | None,
    after: str | None,
) -> None:
    """Emit that a person's role in a project has changed from `before` to `after`; None: no member.

    A person who is no longer a member leaves the project's sessions.
    """
    event = "added" if before is None else "removed" if after is None else "role_changed"
    payload = {"userId": user_id, "before": {"role": before}, "after": {"role": after}, "role": after}
    await tell_project(conn, f"member.{event}", project_id, actor_id, payload)
    if after is None:
        await leave_sessions(conn, project_id, user_id, actor_id)


async def add_editor(
    conn: Any, project_id: UUID, user_id: UUID, actor_id: UUID, may: Callable[[str], bool]
) -> None:
    """Make a person an editor of a project, unless they may write there already or it is in the trash.

    `may`: whether the actor holds a permission. Raises NotYourProject if the actor may not write there,
    PermissionRequired if the actor lacks project:create.
    """
    await sql.projects.lock_project(conn, project_id=project_id)
    if not await sql.projects.is_live(conn, project_id=project_id):
        return
    role = await sql.projects.get_role(conn, project_id=project_id, viewer_id=actor_id, manages=may(MANAGE))
    if role not in WRITERS:
        raise NotYourProject(
            message="Whoever is assigned becomes an editor of the linked project, so only its owners and "
            "editors may assign."
        )
    member = await sql.projects.get_member(conn, project_id=project_id, user_id=user_id)
    if member is None or member["role"] in WRITERS:
        return
    if not may(WRITE):
        raise PermissionRequired(WRITE)
    await sql.projects.save_member(conn, project_id=project_id, user_id=user_id, role="editor")
    await tell_member(conn, project_id, user_id, actor_id, before=member["role"], after="editor")

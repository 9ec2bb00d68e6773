"""The members of a project: adding and removing them, and their roles."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.projects import tell_member
from nexcorp.errors import NotYourProject, ProjectNotFound, UserNotFound
from nexcorp.features.projects import service
from nexcorp.features.projects.access import OWN, OWN_ERRORS, READ, TAG
from nexcorp.features.projects.errors import LastOwner, MemberNotFound
from nexcorp.features.projects.schemas import ROLES, Member, MemberPage, MemberQuery, SetMember
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.security.caller import Caller
from nexcorp.web.paging import FIRST_ID, Cursor, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import delete, get, put
from nexcorp.web.transactions import transaction

BY_PERSON: Cursor[tuple[UUID]] = Cursor("project-members", tuple[UUID], (FIRST_ID,), after="_userId")


async def check_owners(conn: Any, project_id: UUID, user_id: UUID) -> None:
    """Raise LastOwner unless the locked project has an owner besides this person."""
    if not await sql.projects.has_other_owner(conn, project_id=project_id, user_id=user_id):
        raise LastOwner()


async def set_member(conn: Any, caller: Caller, project_id: UUID, user_id: UUID, role: str) -> Any:
    """Make a person a member, or give them another role; notify and return the member.

    Raises ProjectNotFound, NotYourProject, UserNotFound, LastOwner.
    """
    await service.lock_own(conn, caller, project_id)
    member = await sql.projects.get_member(conn, project_id=project_id, user_id=user_id)
    if member is None:
        raise UserNotFound()
    if member["role"] == role:
        return member
    if member["role"] == "owner":
        await check_owners(conn, project_id, user_id)
    await sql.projects.save_member(conn, project_id=project_id, user_id=user_id, role=role)
    await tell_member(conn, project_id, user_id, caller.id, before=member["role"], after=role)
    return await sql.projects.get_member(conn, project_id=project_id, user_id=user_id)


async def remove_member(conn: Any, caller: Caller, project_id: UUID, user_id: UUID) -> None:
    """Remove a person from a project: owners may remove anybody, other callers only themselves.

    Raises ProjectNotFound, NotYourProject, MemberNotFound, LastOwner.
    """
    await sql.projects.lock_project(conn, project_id=project_id)
    if user_id == caller.id:
        await service.get_project(conn, caller, project_id)
    else:
        await service.lock_own(conn, caller, project_id)
    member = await sql.projects.get_member(conn, project_id=project_id, user_id=user_id)
    if member is None or member["role"] is None:
        raise MemberNotFound()
    if member["role"] == "owner":
        await check_owners(conn, project_id, user_id)
    await sql.projects.delete_member(conn, project_id=project_id, user_id=user_id)
    await tell_member(conn, project_id, user_id, caller.id, before=member["role"], after=None)


async def list_members(request: web.Request, query: dict[str, Any]) -> web.Response:
    roles = [query["role"]] if "role" in query else list(ROLES)
    async with database(request).connection() as conn:
        project = await service.get_project(conn, caller(request), path_id(request))
        rows = await BY_PERSON.fetch(
            request, conn, query, sql.projects.list_members, project_id=project["id"], roles=roles
        )
    return reply_page(request, rows, query["limit"], BY_PERSON)


async def put_member(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        row = await set_member(
            tx.conn, caller(request), path_id(request), path_id(request, "userId"), body["role"]
        )
    return reply(row)


async def delete_member(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await remove_member(tx.conn, caller(request), path_id(request), path_id(request, "userId"))
    return no_content()


ROUTES = [
    get(
        "/projects/{id}/members",
        list_members,
        "Members of a project, in the order in which they joined the company",
        MemberPage,
        query=MemberQuery(),
        errors=(ProjectNotFound,),
        access=READ,
        tag=TAG,
    ),
    put(
        "/projects/{id}/members/{userId}",
        put_member,
        "Add a member to a project, or change a member's role",
        Member(),
        body=SetMember(),
        errors=(*OWN_ERRORS, UserNotFound, LastOwner),
        access=OWN,
        tag=TAG,
        description="The person is notified. The last owner of a project cannot lose this role.",
    ),
    delete(
        "/projects/{id}/members/{userId}",
        delete_member,
        "Remove a member from a project, or leave it",
        errors=(ProjectNotFound, NotYourProject, MemberNotFound, LastOwner),
        access=allow(
            "project:create",
            also="project:read",
            whose="any member may leave; only owners and holders of project:manage remove others",
        ),
        tag=TAG,
        description="The member's sockets leave its rooms and files within two seconds.",
    ),
]

"""Projects over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.projects import MANAGE
from nexcorp.domain.searching import escape_like
from nexcorp.errors import PreconditionFailed, ProjectNotFound
from nexcorp.features.projects import service
from nexcorp.features.projects.access import CREATE, OPEN, OWN, OWN_ERRORS, READ, TAG
from nexcorp.features.projects.schemas import (
    MINE,
    ROLES,
    CreateProject,
    Project,
    ProjectPage,
    ProjectQuery,
    UpdateProject,
)
from nexcorp.security.app_keys import caller, database, find_caller
from nexcorp.web.paging import LAST_ID, Cursor, reply_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply_row
from nexcorp.web.routing import API_PREFIX, delete, get, patch, post
from nexcorp.web.transactions import transaction

NEWEST: Cursor[tuple[UUID]] = Cursor("projects", tuple[UUID], (LAST_ID,), before="id")


async def create_project(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        row = await service.create_project(tx.conn, caller(request), body)
        location = f"{API_PREFIX}/projects/{row['id']}"
        return await tx.reply(row, 201, location=location, version=row["version"])


async def list_projects(request: web.Request, query: dict[str, Any]) -> web.Response:
    """Choose the statement by the filters: each combination has its own, so that it can use an index."""
    who = caller(request)
    words = " ".join(query["q"].split()) if "q" in query else None
    asked: dict[str, Any] = {
        "visibility": query.get("visibility"),
        "words": escape_like(words) if words is not None else None,
    }
    statement: Any = sql.projects.list_all
    if "role" in query:
        statement = sql.projects.list_joined
        roles = list(ROLES) if query["role"] == MINE else [query["role"]]
        asked |= {"viewer_id": who.id, "roles": roles}
    elif not who.may(MANAGE):
        statement = sql.projects.list_projects
        asked["viewer_id"] = who.id
    async with database(request).connection() as conn:
        rows = await NEWEST.fetch(request, conn, query, statement, **asked)
    return reply_page(request, rows, query["limit"], NEWEST)


async def get_project(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_project(conn, find_caller(request), path_id(request)))


async def update_project(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        row = await service.update_project(
            tx.conn, caller(request), path_id(request), body, versions, by_etag
        )
        return await tx.reply(row, version=row["version"])


async def delete_project(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await service.delete_project(tx.conn, caller(request), path_id(request), versions)
    return no_content()


ROUTES = [
    post(
        "/projects",
        create_project,
        "Create a project",
        Project(),
        body=CreateProject(),
        access=CREATE,
        tag=TAG,
    ),
    get(
        "/projects",
        list_projects,
        "Your projects and those that are open to you, the newest first",
        ProjectPage,
        query=ProjectQuery(),
        access=READ,
        stale=True,
        tag=TAG,
    ),
    get(
        "/projects/{id}",
        get_project,
        "One project",
        Project(),
        errors=(ProjectNotFound,),
        access=OPEN,
        tag=TAG,
    ),
    patch(
        "/projects/{id}",
        update_project,
        "Change a project",
        Project(),
        body=UpdateProject(),
        errors=OWN_ERRORS,
        access=OWN,
        tag=TAG,
    ),
    delete(
        "/projects/{id}",
        delete_project,
        "Put a project into the trash",
        errors=(*OWN_ERRORS, PreconditionFailed),
        access=OWN,
        tag=TAG,
        description="Nobody sees it any more, nor its tasks and files, until an owner restores it.",
    ),
]

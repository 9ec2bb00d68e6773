"""The trash over REST: deleted projects, until they are restored or purged."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.delivery.effects import Job
from nexcorp.domain.projects import MANAGE
from nexcorp.errors import ProjectNotFound
from nexcorp.features.projects import service
from nexcorp.features.projects.access import OWN, OWNED, TAG
from nexcorp.features.projects.schemas import Project, TrashPage
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.web.paging import LAST_ID, LAST_TIME, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content
from nexcorp.web.routing import delete, get, post
from nexcorp.web.transactions import transaction

BY_DELETION: Cursor[tuple[datetime, UUID]] = Cursor(
    "project-trash", tuple[datetime, UUID], (LAST_TIME, LAST_ID), before_time="deletedAt", before="id"
)


async def list_trashed_projects(request: web.Request, query: dict[str, Any]) -> web.Response:
    who = caller(request)
    async with database(request).connection() as conn:
        rows = await BY_DELETION.fetch(
            request, conn, query, sql.projects.list_trash, viewer_id=who.id, manages=who.may(MANAGE)
        )
    return reply_page(request, rows, query["limit"], BY_DELETION)


async def restore_project(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        row = await service.restore_project(tx.conn, caller(request), path_id(request))
        return await tx.reply(row, version=row["version"])


async def purge_project(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await sql.projects.lock_project(tx.conn, project_id=path_id(request))
        if await sql.projects.expire_project(tx.conn, project_id=path_id(request)) is None:
            raise ProjectNotFound()
        tx.after(Job("purge_projects"))
    return no_content()


ROUTES = [
    get(
        "/projects/trash",
        list_trashed_projects,
        "Deleted projects that you may restore, the last deleted first",
        TrashPage,
        query=PageQuery(),
        access=allow("project:read", whose=OWNED),
        tag=TAG,
        description="They are removed after 30 days.",
    ),
    post(
        "/projects/{id}/restore",
        restore_project,
        "Take a project out of the trash",
        Project(),
        200,
        errors=(ProjectNotFound,),
        access=OWN,
        tag=TAG,
    ),
    delete(
        "/projects/{id}/purge",
        purge_project,
        "Remove a deleted project for good",
        errors=(ProjectNotFound,),
        access=allow("project:purge"),
        tag=TAG,
        description="It leaves the trash at once; a job removes its tasks with their comments and "
        "uploads, and its files. Posts about it lose the link.",
    ),
]

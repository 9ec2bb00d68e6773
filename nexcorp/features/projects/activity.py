"""The activity of a project over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.domain.projects import MANAGE, require_role
from nexcorp.features.projects.access import MEMBERS, OWN_ERRORS, READ_TASKS, TAG
from nexcorp.features.projects.schemas import ROLES, ActivityPage
from nexcorp.security.app_keys import caller, database
from nexcorp.web.paging import LAST_ID, LAST_TIME, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.routing import get

# Kinds of entity in the activity; TASK_KINDS need task:read. Events of other kinds that name a project,
# such as saved views or chats with the assistant, concern their owner only.
KINDS = ("project", "file", "collab_session", "repository")
TASK_KINDS = ("task", "label", "comment", "import")
NEWEST: Cursor[tuple[datetime, UUID]] = Cursor(
    "activity", tuple[datetime, UUID], (LAST_TIME, LAST_ID), before_time="createdAt", before="id"
)


async def list_activity(request: web.Request, query: dict[str, Any]) -> web.Response:
    who, project_id = caller(request), path_id(request)
    kinds = [*KINDS, *TASK_KINDS] if who.may(READ_TASKS) else list(KINDS)
    async with database(request).connection() as conn:
        await require_role(conn, project_id, who.id, who.may(MANAGE), ROLES)
        rows = await NEWEST.fetch(
            request,
            conn,
            query,
            sql.projects.list_activity,
            project_id=project_id,
            viewer_id=who.id,
            kinds=kinds,
        )
    return reply_page(request, rows, query["limit"], NEWEST)


ROUTES = [
    get(
        "/projects/{id}/activity",
        list_activity,
        "Activity in a project, newest first",
        ActivityPage,
        query=PageQuery(),
        errors=OWN_ERRORS,
        access=MEMBERS,
        stale=True,
        tag=TAG,
        description="Covers the project, its members, files, sessions and linked repository, and with "
        "`task:read` its tasks. Names are the current ones; texts are not kept.",
    ),
]

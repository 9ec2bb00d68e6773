"""Sessions over REST, and presence: who has which file open."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import NotYourProject, ProjectNotFound
from nexcorp.features.sessions import service
from nexcorp.features.sessions.errors import CollabSessionEnded, CollabSessionNotFound
from nexcorp.features.sessions.schemas import (
    CollabSession,
    CreateSession,
    ParticipantPage,
    ParticipantQuery,
    Presence,
    SessionPage,
    SessionQuery,
)
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database
from nexcorp.web.paging import FIRST_ID, LAST_ID, Cursor, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import API_PREFIX, delete, get, post
from nexcorp.web.transactions import transaction

TAG = "Projects"
MEMBERS = allow("project:read", whose="members of the project, and holders of project:manage")
HOLD = allow("project:create", whose="owners and editors of the project, and holders of project:manage")
END = allow("project:read", whose="its host, owners of the project, and holders of project:manage")
PROJECT_ERRORS = (ProjectNotFound, NotYourProject)
SESSION_ERRORS = (CollabSessionNotFound, NotYourProject)
# The limit of one answer; the client marks these files in its tree.
MOST_OPEN_FILES = 500
NEWEST: Cursor[tuple[UUID]] = Cursor("sessions", tuple[UUID], (LAST_ID,), before="id")
BY_PERSON: Cursor[tuple[UUID]] = Cursor("participants", tuple[UUID], (FIRST_ID,), after="_userId")


async def start_session(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        row = await service.start_session(tx.conn, caller(request), path_id(request), body)
        return await tx.reply(row, 201, location=f"{API_PREFIX}/sessions/{row['id']}")


async def list_project_sessions(request: web.Request, query: dict[str, Any]) -> web.Response:
    who, project_id = caller(request), path_id(request)
    statement = sql.sessions.list_live if query["live"] else sql.sessions.list_sessions
    async with database(request).connection() as conn:
        await service.require_member(conn, who, project_id)
        rows = await NEWEST.fetch(request, conn, query, statement, project_id=project_id, viewer_id=who.id)
    return reply_page(request, rows, query["limit"], NEWEST)


async def get_session(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply(await service.get_session(conn, caller(request), path_id(request)))


async def join_session(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        row = await service.join_session(tx.conn, caller(request), path_id(request))
        return await tx.reply(row)


async def leave_session(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await service.leave_session(tx.conn, caller(request), path_id(request))
        return await tx.reply(None, 204)


async def end_session(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await service.end_session(tx.conn, caller(request), path_id(request))
    return no_content()


async def list_participants(request: web.Request, query: dict[str, Any]) -> web.Response:
    session_id = path_id(request)
    async with database(request).connection() as conn:
        await service.get_session(conn, caller(request), session_id)
        rows = await BY_PERSON.fetch(
            request,
            conn,
            query,
            sql.sessions.list_participants,
            session_id=session_id,
            here=query.get("here"),
        )
    return reply_page(request, rows, query["limit"], BY_PERSON)


async def show_presence(request: web.Request) -> web.Response:
    project_id = path_id(request)
    async with database(request).connection() as conn:
        await service.require_member(conn, caller(request), project_id)
        rows = await sql.sessions.list_present(conn, project_id=project_id, most=MOST_OPEN_FILES)
    return reply({"data": rows})


ROUTES = [
    post(
        "/projects/{id}/sessions",
        start_session,
        "Begin a session of working together",
        CollabSession(),
        body=CreateSession(),
        errors=PROJECT_ERRORS,
        access=HOLD,
        tag=TAG,
        description="You become its host, and are in it. Call join every 20 seconds or so to stay in it; "
        "a file of the project that you have open over /collab keeps you in it, too.",
    ),
    get(
        "/projects/{id}/sessions",
        list_project_sessions,
        "The sessions of a project, the newest first",
        SessionPage,
        query=SessionQuery(),
        errors=PROJECT_ERRORS,
        access=MEMBERS,
        tag=TAG,
    ),
    get(
        "/projects/{id}/presence",
        show_presence,
        "Open files of a project, with the people who have them open",
        Presence(),
        errors=PROJECT_ERRORS,
        access=MEMBERS,
        tag=TAG,
        description="Covers files open over /collab, on any node and in any number of tabs, as of the "
        f"last seconds; at most {MOST_OPEN_FILES} files.",
    ),
    get(
        "/sessions/{id}",
        get_session,
        "One session",
        CollabSession(),
        errors=SESSION_ERRORS,
        access=MEMBERS,
        tag=TAG,
    ),
    post(
        "/sessions/{id}/join",
        join_session,
        "Join a session, or stay in it",
        CollabSession(),
        200,
        errors=(*SESSION_ERRORS, CollabSessionEnded),
        access=MEMBERS,
        tag=TAG,
        description="If you are in it already, you stay, and no frame is sent. If you are not seen for "
        "60 seconds, you have left.",
    ),
    post(
        "/sessions/{id}/leave",
        leave_session,
        "Leave a session",
        None,
        204,
        errors=SESSION_ERRORS,
        access=MEMBERS,
        tag=TAG,
        description="The answer is the same if you are not in it.",
    ),
    delete(
        "/sessions/{id}",
        end_session,
        "End a session for everybody",
        errors=SESSION_ERRORS,
        access=END,
        tag=TAG,
        description="It stays in the list, with `endedAt`. Ending it again is answered the same.",
    ),
    get(
        "/sessions/{id}/participants",
        list_participants,
        "Current and former participants of a session",
        ParticipantPage,
        query=ParticipantQuery(),
        errors=SESSION_ERRORS,
        access=MEMBERS,
        tag=TAG,
    ),
]

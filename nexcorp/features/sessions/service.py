"""The rules of sessions: editors start them, all members join, the host and owners end them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.projects import MANAGE, WRITERS, require_role
from nexcorp.domain.sessions import tell_session
from nexcorp.errors import Invalid, NotYourProject, on_constraint
from nexcorp.features.sessions.errors import CollabSessionEnded, CollabSessionNotFound
from nexcorp.security.caller import Caller

MEMBERS = ("owner", "editor", "viewer")
OWNER = "owner"


def no_such_file() -> Invalid:
    """Make the error for a file that does not exist, or is in another project."""
    return Invalid(errors={"fileId": ["There is no such file in this project."]})


async def require_member(conn: Any, caller: Caller, project_id: UUID) -> None:
    """Raise ProjectNotFound, or NotYourProject for a caller who can only read an open project."""
    await require_role(conn, project_id, caller.id, caller.may(MANAGE), MEMBERS)


async def get_session(conn: Any, caller: Caller, session_id: UUID) -> Any:
    """Return a session in one of the caller's projects; raise CollabSessionNotFound, NotYourProject."""
    session = await sql.sessions.get_session(
        conn, session_id=session_id, viewer_id=caller.id, manages=caller.may(MANAGE)
    )
    if session is None:
        raise CollabSessionNotFound()
    if session["_role"] not in MEMBERS:
        raise NotYourProject(message="Only members of the project may do this.")
    return session


async def start_session(conn: Any, caller: Caller, project_id: UUID, data: dict[str, Any]) -> Any:
    """Start a session from the fields of CreateSession, and join the caller to it; return it.

    Raises ProjectNotFound, NotYourProject, Invalid.
    """
    await require_role(conn, project_id, caller.id, caller.may(MANAGE), WRITERS)
    with on_constraint("collab_sessions_file_id_fkey", no_such_file()):
        session_id = await sql.sessions.create_session(
            conn, project_id=project_id, file_id=data["fileId"], title=data["title"], host_id=caller.id
        )
    if session_id is None:
        raise no_such_file()
    await sql.sessions.save_participant(conn, session_id=session_id, user_id=caller.id)
    await tell_session(conn, "started", session_id, project_id, caller.id)
    await tell_session(conn, "joined", session_id, project_id, caller.id, userId=caller.id)
    return await get_session(conn, caller, session_id)


async def touch(conn: Any, caller: Caller, session_id: UUID) -> bool:
    """Record that the caller is still in a session; return False if they are not, or no longer may be."""
    is_there: bool = await sql.sessions.touch_participant(
        conn, session_id=session_id, user_id=caller.id, manages=caller.may(MANAGE)
    )
    return is_there


async def join_session(conn: Any, caller: Caller, session_id: UUID) -> Any:
    """Join a session, or stay in it; return it.

    Raises CollabSessionNotFound, NotYourProject, CollabSessionEnded.
    """
    if await touch(conn, caller, session_id):
        return await get_session(conn, caller, session_id)
    # From here on nobody can be removed from the project, or end the session.
    await sql.sessions.hold_project(conn, session_id=session_id)
    await sql.sessions.lock_session(conn, session_id=session_id)
    session = await get_session(conn, caller, session_id)
    if session["endedAt"] is not None:
        raise CollabSessionEnded()
    # The caller may have joined meanwhile in another tab.
    if session["joined"]:
        return session
    await sql.sessions.save_participant(conn, session_id=session_id, user_id=caller.id)
    await tell_session(conn, "joined", session_id, session["projectId"], caller.id, userId=caller.id)
    return await get_session(conn, caller, session_id)


async def leave_session(conn: Any, caller: Caller, session_id: UUID) -> None:
    """Leave a session; does nothing for a caller who is not in it. Raises CollabSessionNotFound,
    NotYourProject."""
    session = await get_session(conn, caller, session_id)
    if await sql.sessions.leave_session(conn, session_id=session_id, user_id=caller.id):
        await tell_session(conn, "left", session_id, session["projectId"], caller.id, userId=caller.id)


async def end_session(conn: Any, caller: Caller, session_id: UUID) -> None:
    """End a session for all participants; does nothing if it has ended.

    Raises CollabSessionNotFound, and NotYourProject unless the caller is its host or an owner of the project.
    """
    await sql.sessions.lock_session(conn, session_id=session_id)
    session = await get_session(conn, caller, session_id)
    if session["_hostId"] != caller.id and session["_role"] != OWNER:
        raise NotYourProject(message="Only the host and owners of the project may end a session.")
    if await sql.sessions.end_session(conn, session_id=session_id) is not None:
        await tell_session(conn, "ended", session_id, session["projectId"], caller.id)


async def forget_participant(conn: Any, user_id: UUID) -> None:
    """Remove a person who leaves the company from all sessions, also as host."""
    await sql.sessions.forget_host(conn, user_id=user_id)
    for row in await sql.sessions.forget_participant(conn, user_id=user_id):
        await tell_session(conn, "left", row["session_id"], row["project_id"], None, userId=user_id)

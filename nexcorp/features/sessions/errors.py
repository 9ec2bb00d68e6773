"""Errors of sessions."""

from __future__ import annotations

from nexcorp.errors import Conflict, NotFound


class CollabSessionNotFound(NotFound):
    """The session does not exist, or the viewer may not see its project."""

    code, message = "collab_session_not_found", "There is no such session."
    meaning = "The session does not exist, or you may not see its project."


class CollabSessionEnded(Conflict):
    """The session has ended, and cannot be joined."""

    code, message = "collab_session_ended", "The session has ended: begin another one."
    meaning = "The session has ended; nobody can join it."

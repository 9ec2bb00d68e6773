"""Errors of likes and interests."""

from __future__ import annotations

from nexcorp.errors import Conflict, NotAProject, ProjectClosed


class OwnProject(Conflict):
    """The caller is the author of the project, and cannot be interested in it."""

    code, message = "own_project", "This is your own project."
    meaning = "This is your own project."


class Assigned(Conflict):
    """The project is assigned to the caller, who cannot take the interest back."""

    code, message = "assigned", "You are assigned to this project."
    meaning = "You are assigned to this project."


# `_refusal` of sql.reactions.add_interest -> the error.
REFUSALS: dict[str, type[Conflict]] = {kind.code: kind for kind in (NotAProject, OwnProject, ProjectClosed)}

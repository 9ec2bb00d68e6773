"""What can go wrong with likes and interests."""

from __future__ import annotations

from nexcorp.errors import Conflict, NotAProject, ProjectClosed


class OwnProject(Conflict):
    """Authors are not interested in their own projects."""

    code, message = "own_project", "This is your own project."
    meaning = "This is your own project."


class Assigned(Conflict):
    """The project is assigned to the caller, whose interest must stay."""

    code, message = "assigned", "You are assigned to this project."
    meaning = "You are assigned to this project."


# What sql.reactions.add_interest says in `_refusal` -> the error.
REFUSALS: dict[str, type[Conflict]] = {kind.code: kind for kind in (NotAProject, OwnProject, ProjectClosed)}

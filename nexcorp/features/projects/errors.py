"""Errors of projects."""

from __future__ import annotations

from nexcorp.errors import Conflict, NotFound


class LastOwner(Conflict):
    """The change would leave the project without an owner."""

    code = "last_owner"
    message = "A project needs an owner: make somebody else one first, or delete the project."
    meaning = "The project would be left without an owner."


class MemberNotFound(NotFound):
    """The person is not a member of the project."""

    code, message = "member_not_found", "This person is no member of the project."
    meaning = "The person is not a member of the project."

"""Errors of registering by invitation."""

from __future__ import annotations

from nexcorp.errors import Forbidden, NotFound


class RegistrationClosed(Forbidden):
    """The setting REGISTRATION is `closed`."""

    code, message = "registration_closed", "Nobody can register here: ask an administrator."
    meaning = "Nobody can register here."


class InvitationRequired(Forbidden):
    """The setting REGISTRATION is `invite`, and this address has no open invitation."""

    code = "invitation_required"
    message = "You need an invitation to register here: ask an administrator for one."
    meaning = "You need an open invitation for this address to register here."


class InvitationNotFound(NotFound):
    """No invitation with this id is open."""

    code, message = "invitation_not_found", "There is no such invitation to revoke."
    meaning = "No invitation with this id is open."

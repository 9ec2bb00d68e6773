"""What can go wrong when a user registers or signs in."""

from __future__ import annotations

from nexcorp.errors import Conflict, Unauthorized


class InvalidCredentials(Unauthorized):
    """One answer to an unknown address, a wrong password and a deactivated account."""

    code, message = "invalid_credentials", "The e-mail address or the password is wrong."
    meaning = "The address or the password is wrong, or the account deactivated."


class EmailTaken(Conflict):
    """E-mail addresses are unique, whatever their case."""

    code, message = "email_taken", "This e-mail address is registered already."
    meaning = "Another account has this e-mail address."

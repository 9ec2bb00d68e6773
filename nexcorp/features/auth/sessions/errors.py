"""Errors of registering and signing in."""

from __future__ import annotations

from nexcorp.errors import Conflict, Unauthorized


class InvalidCredentials(Unauthorized):
    """Unknown address, wrong password or deactivated account: one error for all three."""

    code, message = "invalid_credentials", "The e-mail address or the password is wrong."
    meaning = "The e-mail address or the password is wrong, or the account is deactivated."


class EmailTaken(Conflict):
    """Another account has this e-mail address, regardless of case."""

    code, message = "email_taken", "This e-mail address is registered already."
    meaning = "Another account has this e-mail address."

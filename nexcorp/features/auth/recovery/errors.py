"""Errors of changing and recovering passwords and addresses."""

from __future__ import annotations

from nexcorp.errors import BadRequest, Conflict, TooManyRequests


class InvalidToken(BadRequest):
    """The token of a mail is wrong, used or too old: one error for all three."""

    code, message = "invalid_token", "This link is wrong, was used, or is too old: ask for a new one."
    meaning = "The token from the mail is wrong, was used before, or has expired."


class AlreadyVerified(Conflict):
    """The account's address is verified already."""

    code, message = "already_verified", "This e-mail address is verified already."
    meaning = "The e-mail address is verified already."


class EmailUnchanged(Conflict):
    """The new address is the account's current one."""

    code, message = "email_unchanged", "This is the account's address already."
    meaning = "The account has this address already."


class TooManyMails(TooManyRequests):
    """An address gets at most one mail of a kind a minute, and a mailbox five mails an hour."""

    code, message = "too_many_mails", "A mail is on its way: look for it, or wait."
    meaning = "A mail was sent within the last minute, or five within the last hour."

"""What can go wrong with passwords and addresses."""

from __future__ import annotations

from nexcorp.errors import BadRequest, Conflict, TooManyRequests


class InvalidToken(BadRequest):
    """One answer to a token of a mail that is wrong, was used, or is too old."""

    code, message = "invalid_token", "This link is wrong, was used, or is too old: ask for a new one."
    meaning = "The token of a mail is wrong, was used, or is too old."


class AlreadyVerified(Conflict):
    """There is nothing left to verify."""

    code, message = "already_verified", "This e-mail address is verified already."
    meaning = "The e-mail address is verified already."


class EmailUnchanged(Conflict):
    """The address to change to is the account's."""

    code, message = "email_unchanged", "This is the account's address already."
    meaning = "It is the account's address already."


class TooManyMails(TooManyRequests):
    """At most one mail of a kind a minute is sent to an address, and five an hour to a mailbox."""

    code, message = "too_many_mails", "A mail is on its way: look for it, or wait."
    meaning = "A mail is on its way, or five were sent within the hour."

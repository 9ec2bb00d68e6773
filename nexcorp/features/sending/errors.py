"""Errors of links in mails."""

from __future__ import annotations

from nexcorp.errors import NotFound


class UnknownLink(NotFound):
    """The link was not made by this service, or is incomplete."""

    code, message = "unknown_link", "This link is not one of ours, or is not complete."
    meaning = "The `token` of the unsubscribe link is incomplete, or was not made by this service."

"""Errors for URLs that a user names and the service will call."""

from __future__ import annotations

from nexcorp.errors import Invalid


class UrlRefused(Invalid):
    """The URL has a form that the service does not call."""

    code, message = "url_refused", "This URL is not asked."
    meaning = "The URL is too long, holds a password or names no host; `errors` says which."


class HttpsOnly(Invalid):
    """The URL does not begin with https://."""

    code, message = "https_only", "Wants an address that begins with https://."
    meaning = "The URL does not begin with https://."


class AddressRefused(Invalid):
    """The URL leads to an address that is not public."""

    code, message = "address_refused", "This address is not public."
    meaning = "The URL leads to an address outside the public internet."


# By the code of nexcorp.integrations.outbound.Refused.
REFUSALS: dict[str, type[Invalid]] = {error.code: error for error in (UrlRefused, HttpsOnly, AddressRefused)}

"""Addresses that a user names and the service then asks: why one of them is refused."""

from __future__ import annotations

from nexcorp.errors import Invalid


class UrlRefused(Invalid):
    """The form of the URL is not one that is asked."""

    code, message = "url_refused", "This URL is not asked."
    meaning = "The URL is too long, holds a password or names no host; `errors` says which."


class HttpsOnly(Invalid):
    """The URL does not begin with https://."""

    code, message = "https_only", "Wants an address that begins with https://."
    meaning = "The URL does not begin with https://."


class AddressRefused(Invalid):
    """The URL leads to an address that is not public."""

    code, message = "address_refused", "This address is not public."
    meaning = "The URL leads to an address that is not one of the public internet."


# By the code of nexcorp.integrations.outbound.Refused.
REFUSALS: dict[str, type[Invalid]] = {error.code: error for error in (UrlRefused, HttpsOnly, AddressRefused)}

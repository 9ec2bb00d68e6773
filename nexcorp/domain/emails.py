"""E-mail addresses: check, store and show them."""

from __future__ import annotations

from typing import Any

import idna
from marshmallow import ValidationError, validate

from nexcorp.domain.fields import Text

MAX_EMAIL_CHARS = 254
A_LABEL = "xn--"

check_syntax = validate.Email()


def read_email(text: str) -> str:
    """Return the form in which an address is stored: an international domain in A-labels, as mail servers
    need it.

    Raises ValidationError for anything but an address, and for legal forms that are not in use: quoted parts,
    literals, and local parts beyond ASCII. Some letters compare as equal or look alike: with them, İ would
    open the account of i. A domain is normalised to one form, in whatever letters it was typed.
    """
    local, at, domain = text.rpartition("@")
    # The checks are slow on long texts, and a provider may send one.
    if not local.isascii() or '"' in text or "[" in text or len(text) > MAX_EMAIL_CHARS:
        raise ValidationError(check_syntax.default_message)
    if not domain.isascii() or A_LABEL in domain.lower():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            raise ValidationError(check_syntax.default_message) from None
    stored = local + at + domain
    if len(stored) > MAX_EMAIL_CHARS:
        raise ValidationError(check_syntax.default_message)
    check_syntax(stored)
    return stored


def show_email(stored: str | None) -> str | None:
    """Return an address as people read it: an international domain in its own letters."""
    if stored is None or A_LABEL not in stored:
        return stored
    local, at, domain = stored.rpartition("@")
    try:
        return local + at + idna.decode(domain)
    except idna.IDNAError:
        return stored


class EmailField(Text):
    """A required e-mail address, loaded in the form in which it is stored."""

    def __init__(self) -> None:
        super().__init__(
            least=3,
            most=MAX_EMAIL_CHARS,
            required=True,
            metadata={
                "format": "email",
                "description": "Compared without case; the domain may be international.",
            },
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return read_email(super()._deserialize(value, attr, data, **more))

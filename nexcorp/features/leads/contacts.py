"""Keys for finding duplicate leads: e-mail addresses and phone numbers in a normal form."""

from __future__ import annotations

import re
from typing import Any

from nexcorp.domain.emails import read_email

# A zero that is dialled only within a country, and an extension, which belongs to a person and is ignored.
TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
EXTENSION = re.compile(r"x.*")


def find_email_key(email: str | None) -> str | None:
    """Return a valid address in lower case, its international domain in A-labels; None without one."""
    return read_email(email).lower() if email else None


def find_phone_key(phone: str | None) -> str | None:
    """Return the digits of a number, without + or 00 before the country code; None without digits."""
    if not phone:
        return None
    digits = re.sub(r"\D", "", EXTENSION.sub("", TRUNK_ZERO.sub("", phone.lower())))
    return digits.removeprefix("00") or None


def find_keys(fields: dict[str, Any], lead: Any = None) -> tuple[str | None, str | None]:
    """Return the keys of the e-mail address and the phone number in `fields`; None for one that is absent, or
    that `lead` has already, in any spelling."""
    own = (None, None) if lead is None else find_keys(lead)
    email, phone = find_email_key(fields.get("email")), find_phone_key(fields.get("phone"))
    return None if email == own[0] else email, None if phone == own[1] else phone


def name_keys(email_key: str | None, phone_key: str | None) -> list[str]:
    """Return the keys to lock before creating a lead with this address or number."""
    return [f"{kind}:{key}" for kind, key in (("email", email_key), ("phone", phone_key)) if key]

"""How two leads are found to be the same: by e-mail addresses and phone numbers, each in one form."""

from __future__ import annotations

import re

from nexcorp.domain.emails import read_email

# What is dialled only within a country, and an extension, which is of a person and may be left out.
TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
EXTENSION = re.compile(r"x.*")


def find_email_key(email: str | None) -> str | None:
    """An address, which EmailField would take, without case and with an international domain in A-labels."""
    return read_email(email).lower() if email else None


def find_phone_key(phone: str | None) -> str | None:
    """The digits of a number, those of a country without + or 00; None where there are none."""
    if not phone:
        return None
    digits = re.sub(r"\D", "", EXTENSION.sub("", TRUNK_ZERO.sub("", phone.lower())))
    return digits.removeprefix("00") or None


def name_keys(email_key: str | None, phone_key: str | None) -> list[str]:
    """The keys that are locked by whoever makes a lead with this address or number."""
    return [f"{kind}:{key}" for kind, key in (("email", email_key), ("phone", phone_key)) if key]

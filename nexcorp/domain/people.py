"""The fields of a profile, for registering and for changing it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from marshmallow import ValidationError, validate

from nexcorp.domain.fields import Body, Text

ROLES = ("admin", "manager", "member")
STATUSES = ("active", "deactivated", "deleted")
MAX_URL_CHARS = 1000

# Usernames of former members are reserved, so that nobody can pose as one of them.
RESERVED = re.compile(r"former_[0-9a-f]{12}", re.IGNORECASE)


USERNAME = re.compile(r"[A-Za-z0-9_]{3,30}")


def may_be_username(text: str) -> bool:
    """Return whether a text has the form of a username."""
    return USERNAME.fullmatch(text) is not None


def is_reserved(username: str) -> bool:
    """Return whether a username is reserved for people who have left."""
    return RESERVED.fullmatch(username) is not None


def check_username(text: str) -> None:
    """Raise ValidationError for a reserved username."""
    if is_reserved(text):
        raise ValidationError("Is reserved.")


def check_url(text: str) -> None:
    """Raise ValidationError unless the URL is http or https: a browser would run `javascript:`."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        good = False
    if not good or not text.isprintable() or " " in text:
        raise ValidationError("Not a valid http or https URL.")


check_phone = validate.Regexp(r"^[0-9+()./ x-]*\Z", error="Digits, spaces and + ( ) . / - x only.")
MEDIA = re.compile(r"/media/([0-9a-f]{32}\.[a-z0-9]{2,4})(\.thumb\.webp)?\Z")


def find_media(url: str) -> tuple[str, bool] | None:
    """Return the key of the local upload that a URL leads to, and whether to its thumbnail; else None."""
    found = MEDIA.search(url)
    return (found[1], found[2] is not None) if found else None


def check_picture(text: str) -> None:
    """Raise ValidationError unless the text is an http(s) URL or a file of /media."""
    if not MEDIA.match(text):
        check_url(text)


def username_field(description: str = "Compared without case.") -> Text:
    """Return a field for a username: the name after @ in a mention."""
    return Text(
        least=3,
        most=30,
        checks=[
            validate.Regexp(r"^[A-Za-z0-9_]*\Z", error="Letters, digits and underscores only."),
            check_username,
        ],
        metadata={"description": description},
    )


class ProfileFields(Body):
    """The free fields of a profile; null means not given."""

    firstName = Text(least=1, most=100, allow_none=True)
    lastName = Text(least=1, most=100, allow_none=True)
    jobTitle = Text(least=1, most=100, allow_none=True)
    department = Text(least=1, most=100, allow_none=True)
    location = Text(least=1, most=100, allow_none=True)
    bio = Text(least=1, most=2000, allow_none=True)
    phone = Text(
        least=3,
        most=40,
        allow_none=True,
        checks=[check_phone],
        metadata={"description": "Shown to the user and to holders of `user:contact`."},
    )
    avatarUrl = Text(
        least=8, most=MAX_URL_CHARS, allow_none=True, checks=[check_url], metadata={"format": "uri"}
    )

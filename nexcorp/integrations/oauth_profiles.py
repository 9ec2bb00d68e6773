"""The kinds of provider, and the profiles they send, no part of which is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The kinds of provider, in the order of display, and the addresses of those that have a single one.
NAMES = {"github": "GitHub", "google": "Google", "gitlab": "GitLab", "oidc": "single sign-on"}
HOMES = {
    "github": "https://github.com",
    "google": "https://accounts.google.com",
    "gitlab": "https://gitlab.com",
}

MAX_SUBJECT_CHARS = 255
MAX_EMAIL_CHARS = 254
MAX_NAME_CHARS = 100
MAX_ADDRESS_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's profile at a provider. `subject` is the provider's own, unchanging id."""

    subject: str
    username: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_verified: bool = False
    avatar_url: str | None = None


def clean(value: Any, most: int = MAX_NAME_CHARS) -> str | None:
    """Return a text without control characters, cut to `most` characters; None for anything else."""
    if not isinstance(value, str):
        return None
    kept = "".join(char for char in value if char.isprintable())
    return kept.strip()[:most].strip() or None


def read_subject(value: Any) -> str | None:
    """Return an id as text (some providers send numbers), or None if it is invalid."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # Not cleaned: two different ids must never become equal.
    good = isinstance(value, str) and value.isprintable() and 1 <= len(value) <= MAX_SUBJECT_CHARS
    return value if good else None


def read_email(value: Any) -> str | None:
    """Return an e-mail address, or None if it is invalid."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > MAX_EMAIL_CHARS:
        return None
    local, at, domain = value.strip().rpartition("@")
    return value.strip() if at and local and "." in domain and " " not in value.strip() else None


def read_avatar(value: Any) -> str | None:
    """Return the address of a picture, or None."""
    text = clean(value, MAX_ADDRESS_CHARS)
    return text if text is not None and text.startswith(("https://", "http://")) else None


def is_true(value: Any) -> bool:
    """Whether a claim is true; some providers send the word instead of the value."""
    return value is True or value == "true"


def split_name(name: str | None) -> tuple[str | None, str | None]:
    """Split a whole name into first and last name."""
    first, _, last = (name or "").partition(" ")
    return first or None, last.strip() or None


def read_openid(data: Any) -> Profile | None:
    """Return the profile of a userinfo answer (OpenID Connect Core, 5.3); None without a subject."""
    subject = read_subject(data.get("sub")) if isinstance(data, dict) else None
    if subject is None:
        return None
    name = clean(data.get("name"))
    first, last = split_name(name)
    email = read_email(data.get("email"))
    return Profile(
        subject=subject,
        username=clean(data.get("preferred_username")) or clean(data.get("nickname")),
        name=name,
        first_name=clean(data.get("given_name")) or first,
        last_name=clean(data.get("family_name")) or last,
        email=email,
        email_verified=email is not None and is_true(data.get("email_verified")),
        avatar_url=read_avatar(data.get("picture")),
    )


def find_github_email(rows: Any) -> tuple[str | None, bool]:
    """Return the primary address of GitHub's list, and whether it is verified."""
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and row.get("primary") is True:
            email = read_email(row.get("email"))
            return email, email is not None and row.get("verified") is True
    return None, False


def read_github(data: Any, email: tuple[str | None, bool]) -> Profile | None:
    """Return the profile of GitHub's `/user`; None without an id."""
    subject = read_subject(data.get("id")) if isinstance(data, dict) else None
    if subject is None:
        return None
    name = clean(data.get("name"))
    first, last = split_name(name)
    return Profile(
        subject=subject,
        username=clean(data.get("login")),
        name=name,
        first_name=first,
        last_name=last,
        email=email[0],
        email_verified=email[1],
        avatar_url=read_avatar(data.get("avatar_url")),
    )

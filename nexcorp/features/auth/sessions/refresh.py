"""Refresh tokens: `sid.counter.mac`. Only the counter is stored, from which no token can be made."""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from uuid import UUID

from nexcorp.errors import Unauthorized
from nexcorp.security.secrets import Secrets

TOKEN = re.compile(
    r"(?P<sid>[0-9a-f]{32})\.(?P<counter>[1-9][0-9]{0,9})\.(?P<mac>[A-Za-z0-9_-]{43})", re.ASCII
)
MAX_COUNTER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The content of a genuine refresh token: the session, and the number of its rotation."""

    session_id: UUID
    counter: int


def make_mac(key: bytes, payload: str) -> str:
    """HMAC-SHA256 over `sid.counter`, in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hmac.digest(key, payload.encode(), "sha256")).decode().rstrip("=")


def make_token(secrets: Secrets, session_id: UUID, counter: int) -> str:
    """Return the refresh token of a session's `counter`, signed with the current key."""
    payload = f"{session_id.hex}.{counter}"
    return f"{payload}.{make_mac(secrets.refresh[0], payload)}"


def read_token(secrets: Secrets, text: str) -> RefreshToken:
    """Return a token's content, verified by the current or previous key; raises Unauthorized."""
    found = TOKEN.fullmatch(text)
    if found is None:
        raise Unauthorized()
    payload = f"{found['sid']}.{found['counter']}"
    genuine = [hmac.compare_digest(make_mac(key, payload), found["mac"]) for key in secrets.refresh]
    counter = int(found["counter"])
    if not any(genuine) or counter > MAX_COUNTER:
        raise Unauthorized()
    return RefreshToken(UUID(found["sid"]), counter)

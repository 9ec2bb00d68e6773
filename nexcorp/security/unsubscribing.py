"""Unsubscribe links in mails: the holder of one may end mails of its type to its receiver, nothing else."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID

MAC_BYTES = 16
ID_BYTES = 16
# The length of both in base64.
HEAD_CHARS = 43
# Stands for mails of every type.
EVERY_TYPE = "all"


def sign(key: bytes, user_id: UUID, type: str) -> bytes:
    """Return the signature of a person and a type, which only this service can make."""
    return hmac.digest(key, user_id.bytes + type.encode(), "sha256")[:MAC_BYTES]


def write_token(key: bytes, user_id: UUID, type: str) -> str:
    """Return the token of a link: `<person and signature>.<type>`. It does not expire."""
    head = urlsafe_b64encode(user_id.bytes + sign(key, user_id, type)).rstrip(b"=").decode()
    return f"{head}.{type}"


def read_token(keys: Sequence[bytes], token: str) -> tuple[UUID, str] | None:
    """Return the person and the type of a token that one of `keys` signed; None for any other text."""
    head, dot, type = token.partition(".")
    if len(head) != HEAD_CHARS or not dot or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(head + "=")
    except ValueError:
        return None
    if len(raw) != ID_BYTES + MAC_BYTES:
        return None
    user_id = UUID(bytes=raw[:ID_BYTES])
    if not any(hmac.compare_digest(sign(key, user_id, type), raw[ID_BYTES:]) for key in keys):
        return None
    return user_id, type

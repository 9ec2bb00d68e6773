"""Encrypt and decrypt providers' tokens for storage."""

from __future__ import annotations

from typing import Any

import msgspec

from nexcorp.security.secrets import Secrets
from nexcorp.security.vault import seal, unseal


def bind(provider: str, subject: str) -> bytes:
    """Return the bytes that bind a sealed text to its row."""
    return f"{provider}\0{subject}".encode()


def seal_tokens(secrets: Secrets, provider: str, subject: str, tokens: dict[str, Any]) -> bytes:
    """Encrypt a provider's tokens."""
    return seal(secrets, msgspec.json.encode(tokens), bind(provider, subject))


def open_tokens(secrets: Secrets, provider: str, subject: str, sealed: bytes) -> dict[str, Any]:
    """Decrypt a provider's tokens; raises ValueError if sealed by another key or for another identity."""
    tokens: dict[str, Any] = msgspec.json.decode(unseal(secrets, sealed, bind(provider, subject))[0])
    return tokens

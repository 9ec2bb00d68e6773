"""Providers' tokens at rest, in the vault."""

from __future__ import annotations

from typing import Any

import msgspec

from nexcorp.security.secrets import Secrets
from nexcorp.security.vault import seal, unseal


def bind(provider: str, subject: str) -> bytes:
    """The associated data of a sealed text: it ties the text to its row."""
    return f"{provider}\0{subject}".encode()


def seal_tokens(secrets: Secrets, provider: str, subject: str, tokens: dict[str, Any]) -> bytes:
    """Encrypt a provider's tokens under the current key."""
    return seal(secrets, bind(provider, subject), msgspec.json.encode(tokens))


def open_tokens(secrets: Secrets, provider: str, subject: str, sealed: bytes) -> dict[str, Any]:
    """Decrypt them, under the current or the previous key; raises ValueError where neither fits."""
    tokens: dict[str, Any] = msgspec.json.decode(unseal(secrets, bind(provider, subject), sealed))
    return tokens

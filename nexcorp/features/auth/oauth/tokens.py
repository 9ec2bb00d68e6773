"""Providers' tokens at rest: encrypted, and worthless when copied to another row."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from nexcorp.security.secrets import Secrets

NONCE_BYTES = 12


def bind(provider: str, subject: str) -> bytes:
    """The associated data of a sealed text: it ties the text to its row."""
    return f"{provider}\0{subject}".encode()


def seal_tokens(secrets: Secrets, provider: str, subject: str, tokens: dict[str, Any]) -> bytes:
    """Encrypt a provider's tokens under the current key: a random nonce, then the text."""
    nonce = os.urandom(NONCE_BYTES)
    text = msgspec.json.encode(tokens)
    return nonce + ChaCha20Poly1305(secrets.vault[0]).encrypt(nonce, text, bind(provider, subject))


def open_tokens(secrets: Secrets, provider: str, subject: str, sealed: bytes) -> dict[str, Any]:
    """Decrypt them, under the current or the previous key; raises ValueError where neither fits."""
    nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for key in secrets.vault:
        try:
            opened = ChaCha20Poly1305(key).decrypt(nonce, text, bind(provider, subject))
        except InvalidTag:
            continue
        tokens: dict[str, Any] = msgspec.json.decode(opened)
        return tokens
    raise ValueError("sealed under another key, or for another identity")

"""Secrets of others at rest: encrypted, and worthless when copied to another row."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from nexcorp.security.secrets import Secrets

NONCE_BYTES = 12


def seal(secrets: Secrets, bound: bytes, text: bytes) -> bytes:
    """Encrypt a text under the current key: a random nonce, then the text. `bound` ties it to its row."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(secrets.vault[0]).encrypt(nonce, text, bound)


def unseal(secrets: Secrets, bound: bytes, sealed: bytes) -> bytes:
    """Decrypt it, under the current or the previous key; raises ValueError where neither fits."""
    nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for key in secrets.vault:
        try:
            return ChaCha20Poly1305(key).decrypt(nonce, text, bound)
        except InvalidTag:
            continue
    raise ValueError("sealed under another key, or for another row")

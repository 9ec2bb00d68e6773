"""Secrets at rest: encrypted under a key of the service, and bound to their row."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from nexcorp.security.secrets import Secrets

NONCE_BYTES = 12


class Unopened(ValueError):
    """The text was sealed under another key, or for another row."""


def seal(secrets: Secrets, text: bytes, row: bytes) -> bytes:
    """Encrypt `text` under the current key: a random nonce, then the ciphertext. `row` names its row."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(secrets.vault[0]).encrypt(nonce, text, row)


def unseal(secrets: Secrets, sealed: bytes, row: bytes) -> tuple[bytes, bool]:
    """Return the text, and whether it was sealed under the current key; raises Unopened."""
    nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for place, key in enumerate(secrets.vault):
        try:
            return ChaCha20Poly1305(key).decrypt(nonce, text, row), place == 0
        except InvalidTag:
            continue
    raise Unopened("sealed under another key, or for another row")

"""Signatures and their secrets, as Standard Webhooks defines them."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Iterable
from uuid import UUID

from nexcorp.security.secrets import Secrets
from nexcorp.security.vault import seal, unseal

SECRET_BYTES = 32
PREFIX = "whsec_"


def make_secret() -> bytes:
    """Make a new key."""
    return os.urandom(SECRET_BYTES)


def show_secret(secret: bytes) -> str:
    """Format the key for its owner, as verifying libraries take it."""
    return PREFIX + base64.b64encode(secret).decode()


def bind(webhook_id: UUID) -> bytes:
    """Return the context that ties a sealed key to its webhook."""
    return f"webhook\0{webhook_id}".encode()


def seal_secret(secrets: Secrets, webhook_id: UUID, secret: bytes) -> bytes:
    """Encrypt the key for storage."""
    return seal(secrets, secret, bind(webhook_id))


def open_secret(secrets: Secrets, webhook_id: UUID, sealed: bytes) -> tuple[bytes, bool]:
    """Return the key, and whether it is sealed with the service's current secret; raise Unopened of
    nexcorp.security.vault."""
    return unseal(secrets, sealed, bind(webhook_id))


def name_message(event_id: UUID) -> str:
    """Return the `webhook-id` of an event, the same for every attempt."""
    return f"msg_{event_id.hex}"


def sign(event_id: UUID, moment: int, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """Return the headers of an attempt at `moment` (seconds since 1970), with a signature by each key."""
    message_id = name_message(event_id)
    text = f"{message_id}.{moment}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, text, "sha256")).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }

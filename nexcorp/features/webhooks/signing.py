"""Signatures as Standard Webhooks has them, and the secrets that they are made with."""

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
    """A new key."""
    return os.urandom(SECRET_BYTES)


def show_secret(secret: bytes) -> str:
    """The key as its owner gets it, and as verifying libraries take it."""
    return PREFIX + base64.b64encode(secret).decode()


def bind(webhook_id: UUID) -> bytes:
    """What ties a sealed key to its webhook."""
    return f"webhook\0{webhook_id}".encode()


def seal_secret(secrets: Secrets, webhook_id: UUID, secret: bytes) -> bytes:
    """The key as it is stored."""
    return seal(secrets, secret, bind(webhook_id))


def open_secret(secrets: Secrets, webhook_id: UUID, sealed: bytes) -> tuple[bytes, bool]:
    """The key, and whether it is sealed under the service's current secret; raises nexcorp.security.vault's
    Unopened."""
    return unseal(secrets, sealed, bind(webhook_id))


def name_message(event_id: UUID) -> str:
    """The `webhook-id`, which is that of the event at each attempt."""
    return f"msg_{event_id.hex}"


def sign(event_id: UUID, moment: int, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """The headers of an attempt at `moment`, in seconds since 1970, with a signature by each of `keys`."""
    message_id = name_message(event_id)
    text = f"{message_id}.{moment}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, text, "sha256")).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }

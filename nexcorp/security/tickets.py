"""One-time tickets, for URLs of requests that cannot have headers. Their owner is known without PostgreSQL.

So guesses cost PostgreSQL nothing, and a genuine ticket counts for its account from the start, even if others
share the address. PostgreSQL ensures that a ticket works once.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from hashlib import sha256
from uuid import UUID

from nexcorp.errors import Unauthorized
from nexcorp.security.secrets import Secrets
from nexcorp.security.tokens import decode_part

# PostgreSQL accepts a ticket for 60 seconds by its own clock; the nodes' clocks may differ by as much again.
SECONDS = 120
NONCE_BYTES = 16
MAC_BYTES = 16
MAX_CHARS = 100


def seal(key: bytes, payload: bytes) -> bytes:
    """Return the MAC of a payload, which only the service can make."""
    return hmac.digest(key, payload, sha256)[:MAC_BYTES]


def make_ticket(keys: Secrets, user_id: UUID) -> str:
    """Return a new ticket of this person."""
    expires = int(time.time()) + SECONDS
    payload = user_id.bytes + expires.to_bytes(4) + secrets.token_bytes(NONCE_BYTES)
    return base64.urlsafe_b64encode(payload + seal(keys.ticket[0], payload)).rstrip(b"=").decode()


def read_ticket(keys: Secrets, ticket: str) -> UUID:
    """Return the owner of a ticket, used or not; raises Unauthorized for an expired or forged one."""
    whole = decode_part(ticket.encode()) if ticket.isascii() and len(ticket) <= MAX_CHARS else None
    if whole is None or len(whole) != 16 + 4 + NONCE_BYTES + MAC_BYTES:
        raise Unauthorized()
    payload, mac = whole[:-MAC_BYTES], whole[-MAC_BYTES:]
    if not any(hmac.compare_digest(mac, seal(key, payload)) for key in keys.ticket):
        raise Unauthorized()
    if int.from_bytes(payload[16:20]) < time.time():
        raise Unauthorized()
    return UUID(bytes=payload[:16])

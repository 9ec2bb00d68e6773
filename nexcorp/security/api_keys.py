"""API keys: looked up once by their hash, then remembered like a verified token."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any

from nexcorp.db import Database, sql
from nexcorp.errors import Unauthorized
from nexcorp.security.revocations import Revocations
from nexcorp.security.tokens import Principal

PREFIX = "nxk_"
SECRET_BYTES = 32
# How much of a key lists show: enough to tell keys apart.
SHOWN_CHARS = len(PREFIX) + 6
MAX_CHARS = 100
# Also the precision of the time of last use.
REMEMBER_SECONDS = 60.0
CACHE_SIZE = 10_000


def make_key() -> str:
    """Return a new key of 256 random bits, so that a plain hash of it reveals nothing."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def hash_key(key: str) -> bytes:
    """Return the hash under which a key is stored: SHA-256."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


class ApiKeys:
    """Verifies API keys; asks PostgreSQL at most once a minute for each. Revocations holds the ended keys."""

    def __init__(self, database: Database, revocations: Revocations) -> None:
        self.database, self.revocations = database, revocations
        self._known: dict[bytes, tuple[Principal, float]] = {}

    def remembers(self, key: str) -> bool:
        """Return whether verify() will answer without PostgreSQL."""
        known = self._known.get(hash_key(key)) if len(key) <= MAX_CHARS else None
        return known is not None and known[1] > time.monotonic() and not self.revocations.outdated(known[0])

    async def verify(self, key: str) -> Principal:
        """Return a key's principal; raises Unauthorized if it is unknown or ended, or its owner inactive."""
        if len(key) > MAX_CHARS:
            raise Unauthorized()
        digest = hash_key(key)
        known = self._known.get(digest)
        if known is not None and known[1] > time.monotonic() and not self.revocations.outdated(known[0]):
            return known[0]
        async with self.database.connection() as conn:
            row = await sql.keys.use_key(conn, secret_hash=digest)
        if row is None:
            self._known.pop(digest, None)
            raise Unauthorized()
        who = read_principal(row)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        remembered = time.monotonic() + min(REMEMBER_SECONDS, who.expires_at - time.time())
        self._known[digest] = (who, remembered)
        return who


def read_principal(row: Any) -> Principal:
    """Return the principal in a row of `sql.keys.use_key`; the key's id is its session id."""
    return Principal(
        user_id=row["user_id"],
        session_id=row["key_id"],
        role=row["role"],
        role_version=row["role_version"],
        platform="api",
        expires_at=row["expires_at"].timestamp() if row["expires_at"] is not None else float("inf"),
        scopes=frozenset(row["scopes"]),
        verified=row["verified"],
    )

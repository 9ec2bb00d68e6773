"""The rules of API keys: number, scopes, end."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Revoke
from nexcorp.errors import Conflict, EmailUnverified, Invalid, NotFound, Unauthorized
from nexcorp.security.api_keys import SHOWN_CHARS, hash_key, make_key

MAX_KEYS = 25


class TooManyApiKeys(Conflict):
    """The user has MAX_KEYS keys already."""

    code, message = "too_many_api_keys", f"You have {MAX_KEYS} keys already: revoke one first."
    meaning = f"You have {MAX_KEYS} keys already."


class ApiKeyNotFound(NotFound):
    """The user has no valid key with this id."""

    code, message = "api_key_not_found", "There is no such key."
    meaning = "You have no key with this id, or it is revoked."


def check_scopes(scopes: list[str], known: set[str], held: set[str]) -> None:
    """Raise Invalid, naming the scopes that do not exist, or that the owner's role does not hold."""
    wrong = [f"There is no permission {code}." for code in scopes if code not in known]
    wrong += [f"Your role does not hold {code}." for code in scopes if code in known - held]
    if wrong:
        raise Invalid(errors={"scopes": wrong})


async def create_key(
    conn: Any, user_id: UUID, *, name: str, scopes: list[str], expires_at: datetime | None
) -> dict[str, Any]:
    """Create a key; returns its row and, as `key`, the secret, which is not stored.

    Raises EmailUnverified, Invalid for scopes beyond the owner's role, and TooManyApiKeys.
    """
    owner = await sql.keys.lock_owner(conn, user_id=user_id)
    if owner is None:
        raise Unauthorized()
    if not owner["verified"]:
        # The address may be another person's, who must not find a stranger's key in their account.
        raise EmailUnverified()
    wanted = sorted(set(scopes))
    known = {row["code"] for row in await sql.keys.list_codes(conn)}
    check_scopes(wanted, known, set(owner["permissions"]))
    # Count in a statement after the lock, so that it sees keys that an earlier transaction has just made.
    if await sql.keys.count_keys(conn, user_id=user_id) >= MAX_KEYS:
        raise TooManyApiKeys()
    secret = make_key()
    row = await sql.keys.insert_key(
        conn,
        user_id=user_id,
        name=name,
        shown=secret[:SHOWN_CHARS],
        secret_hash=hash_key(secret),
        scopes=wanted,
        expires_at=expires_at,
    )
    payload = {"userId": user_id, "scopes": wanted, "expiresAt": expires_at}
    await emit(conn, "api_key.created", actor_id=user_id, entity=("api_key", row["id"]), payload=payload)
    return {**row_to_dict(row), "key": secret}


async def revoke_key(conn: Any, user_id: UUID, key_id: UUID) -> None:
    """Revoke a key; raises ApiKeyNotFound if it is another user's or has ended."""
    row = await sql.keys.revoke_key(conn, user_id=user_id, key_id=key_id)
    if row is None:
        raise ApiKeyNotFound()
    conn.after(Revoke((key_id,)))
    payload = {"userId": user_id}
    await emit(conn, "api_key.revoked", actor_id=user_id, entity=("api_key", key_id), payload=payload)

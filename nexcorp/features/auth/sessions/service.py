"""The rules of identity: names, sessions and their limit, rotation and reuse of refresh tokens."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from nexcorp.context import current
from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Revoke
from nexcorp.domain.emails import show_email
from nexcorp.domain.people import is_reserved
from nexcorp.errors import NotFound, Unauthorized, UsernameTaken, on_constraint
from nexcorp.features.auth.sessions.errors import EmailTaken
from nexcorp.features.auth.sessions.refresh import RefreshToken

MAX_SESSIONS = 10
MAX_USER_AGENT_CHARS = 512
MAX_USERNAME_CHARS = 30
USERNAME_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session just opened: the account's row and the session's."""

    account: Any
    session: Any


def derive_username(email: str) -> str:
    """Make a username of 3 to 30 allowed characters from an e-mail address or a name at a provider:
    "jo.doe+x@a.io" -> "jo_doe_x"."""
    local = email.rpartition("@")[0] or email
    name = re.sub(r"[^A-Za-z0-9]+", "_", local).strip("_")[:MAX_USERNAME_CHARS]
    if is_reserved(name):
        name = f"user_{name}"
    return name if len(name) >= 3 else f"user_{name}".rstrip("_")


def vary_username(name: str) -> str:
    """Another candidate: the name with five random digits."""
    return f"{name[: MAX_USERNAME_CHARS - 6]}_{secrets.randbelow(100_000):05d}"


async def insert_account(
    conn: Any, username: str | None, account: dict[str, Any], *, like: str | None = None
) -> Any:
    """Insert a user under `username`, or a free one made from `like` or the address.

    Raises EmailTaken or UsernameTaken.
    """
    with on_constraint("users_email_key", EmailTaken()):
        if username is not None:
            with on_constraint("users_username_key", UsernameTaken()):
                return await sql.auth.insert_user(conn, username=username, **account)
        base = derive_username(like or account["email"])
        candidate = base
        for _ in range(USERNAME_ATTEMPTS):
            row = await sql.auth.insert_user_if_free(conn, username=candidate, **account)
            if row is not None:
                return row
            candidate = vary_username(base)
    raise UsernameTaken(message="Choose a username: the ones made from the address are taken.")


async def register_user(
    conn: Any,
    *,
    email: str,
    password_hash: str | None,
    username: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    role: str = "member",
    like: str | None = None,
    method: str = "password",
    profile: dict[str, Any] | None = None,
) -> Any:
    """Create an account; returns its row. Raises EmailTaken or UsernameTaken.

    Without a `username` one is made from `like`, or from the address. `method` is how the user signs in:
    "password", or a provider. `profile` holds further fields, named as in the API.
    """
    account = {
        "email": email,
        "password_hash": password_hash,
        "first_name": first_name,
        "last_name": last_name,
        "role": role,
        "profile": profile or {},
    }
    row = await insert_account(conn, username, account, like=like)
    await emit(
        conn,
        "user.registered",
        actor_id=row["id"],
        entity=("user", row["id"]),
        payload={"userId": row["id"], "role": row["role"], "method": method},
    )
    return row


def show_account(row: Any) -> dict[str, Any]:
    """An account as its owner sees it."""
    account = row_to_dict(row)
    return {**account, "email": show_email(account["email"])}


async def record_failed_login(conn: Any, account: Any | None, email: str, platform: str, key: bytes) -> None:
    """Record a refused sign-in in the audit trail.

    Unknown addresses are recorded as well, so that both take equally long. Their id is an HMAC of the address
    under `key`: attempts can be counted without storing the address.
    """
    entity = ("signin", UUID(bytes=hmac.digest(key, b"signin\0" + email.casefold().encode(), "sha256")[:16]))
    reason = "unknown_account"
    if account is not None:
        entity = ("user", account["id"])
        reason = "wrong_password" if account["status"] == "active" else "deactivated"
    await emit(
        conn,
        "user.login_failed",
        actor_id=None,
        entity=entity,
        payload={
            "userId": account["id"] if account is not None else None,
            "platform": platform,
            "reason": reason,
        },
    )


async def open_session(
    conn: Any,
    *,
    account_id: UUID,
    verified_hash: str,
    new_hash: str | None,
    platform: str,
    device: str | None,
) -> SignIn | None:
    """Sign in a user whose password matched `verified_hash`; None if the hash has changed since.

    `new_hash`, unless None, replaces it: its algorithm is out of date.
    """
    account = await sql.auth.lock_account(conn, user_id=account_id, password_hash=verified_hash)
    if account is None:
        return None
    if new_hash is not None:
        await sql.auth.upgrade_password_hash(conn, user_id=account_id, password_hash=new_hash)
    return await start_session(conn, account, platform=platform, device=device, method="password")


async def start_session(conn: Any, account: Any, *, platform: str, device: str | None, method: str) -> SignIn:
    """Open a session for a locked, active account whose owner has proved who they are by `method`.

    If the user has MAX_SESSIONS already, the least recently used one ends.
    """
    account_id = account["id"]
    surplus = await sql.auth.revoke_surplus_sessions(conn, user_id=account_id, kept=MAX_SESSIONS - 1)
    context = current.get()
    user_agent = context.user_agent if context is not None else None
    session = await sql.auth.insert_session(
        conn,
        user_id=account_id,
        platform=platform,
        device=device,
        ip=context.ip if context is not None else None,
        user_agent=user_agent[:MAX_USER_AGENT_CHARS] if user_agent is not None else None,
    )
    conn.after(Revoke(tuple(row["id"] for row in surplus)))
    for row in surplus:
        await emit_revoked(conn, account_id, row["id"], "limit")
    await emit(
        conn,
        "user.logged_in",
        actor_id=account_id,
        entity=("user", account_id),
        payload={
            "userId": account_id,
            "sessionId": session["id"],
            "platform": platform,
            "method": method,
        },
    )
    return SignIn(account, session)


async def rotate_refresh(conn: Any, token: RefreshToken, platforms: list[str]) -> Any:
    """Exchange a refresh token for the session's row with its current counter; None if it is not valid.

    The current token rotates. The previous one gets the current one, which nobody has used yet: two tabs
    raced, or an answer was lost. An older one means theft: its session ends, so commit the transaction after
    None, too.
    """
    row = await sql.auth.rotate_session(
        conn, session_id=token.session_id, counter=token.counter, platforms=platforms
    )
    if row is not None:
        return row
    row = await sql.auth.lock_session(conn, session_id=token.session_id, platforms=platforms)
    if row is None:
        return None
    if token.counter == row["_counter"] - 1:
        return row
    await sql.auth.revoke_session(conn, user_id=row["id"], session_id=token.session_id, reason="reuse")
    conn.after(Revoke((token.session_id,)))
    # No actor: whether the owner or the thief came second cannot be known.
    await emit(
        conn,
        "session.reuse_detected",
        actor_id=None,
        entity=("session", token.session_id),
        payload={"userId": row["id"], "sessionId": token.session_id, "platform": row["_platform"]},
    )
    return None


async def end_session(conn: Any, *, user_id: UUID, session_id: UUID) -> bool:
    """Sign out of the caller's session; False if it has ended already."""
    row = await sql.auth.revoke_session(conn, user_id=user_id, session_id=session_id, reason="logout")
    if row is None:
        return False
    await emit_logged_out(conn, user_id, session_id)
    return True


async def end_session_by_token(conn: Any, token: RefreshToken, platforms: list[str]) -> None:
    """Sign out of the session of a genuine refresh token, current or not; does nothing if it has ended."""
    user_id = await sql.auth.end_session(conn, session_id=token.session_id, platforms=platforms)
    if user_id is not None:
        await emit_logged_out(conn, user_id, token.session_id)


async def emit_logged_out(conn: Any, user_id: UUID, session_id: UUID) -> None:
    """Record that a user signed out, and revoke the session on every node."""
    conn.after(Revoke((session_id,)))
    await emit(
        conn,
        "user.logged_out",
        actor_id=user_id,
        entity=("user", user_id),
        payload={"userId": user_id, "sessionId": session_id},
    )


async def revoke_session(conn: Any, *, user_id: UUID, session_id: UUID) -> None:
    """End one of the user's sessions; raises NotFound if it is another user's or has ended."""
    row = await sql.auth.revoke_session(conn, user_id=user_id, session_id=session_id, reason="user")
    if row is None:
        raise NotFound()
    conn.after(Revoke((session_id,)))
    await emit_revoked(conn, user_id, session_id, "user")


async def revoke_sessions(conn: Any, *, user_id: UUID, kept: UUID | None, reason: str = "user") -> list[Any]:
    """End all sessions of a user except `kept` (None: every one); returns rows of `id` and `live`."""
    rows: list[Any] = await sql.auth.revoke_other_sessions(
        conn, user_id=user_id, session_id=kept, reason=reason
    )
    conn.after(Revoke(tuple(row["id"] for row in rows)))
    for row in rows:
        if row["live"]:
            await emit_revoked(conn, user_id, row["id"], reason)
    return rows


async def emit_identity(conn: Any, event: str, user_id: UUID, provider: str, **more: Any) -> None:
    """Record that an identity was linked or unlinked."""
    await emit(
        conn,
        event,
        actor_id=user_id,
        entity=("user", user_id),
        payload={"userId": user_id, "provider": provider, **more},
    )


async def emit_revoked(conn: Any, user_id: UUID, session_id: UUID, reason: str) -> None:
    """Record that a session was ended: by its owner (`user`), the limit of sessions (`limit`), a new password
    (`password`), or the first proof of the account's address (`reclaimed`)."""
    await emit(
        conn,
        "session.revoked",
        actor_id=user_id,
        entity=("session", session_id),
        payload={"userId": user_id, "sessionId": session_id, "reason": reason},
    )


async def issue_ticket(conn: Any, *, session_id: UUID, ticket: str, purpose: str) -> dict[str, Any]:
    """Store a one-time ticket; returns {ticket, expiresIn (seconds)}. Raises Unauthorized: session ended."""
    row = await sql.auth.insert_ticket(
        conn, token_hash=sha256(ticket.encode()).digest(), session_id=session_id, purpose=purpose
    )
    if row is None:
        raise Unauthorized()
    return {"ticket": ticket, "expiresIn": row["expiresIn"]}

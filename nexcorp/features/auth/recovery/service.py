"""The rules of passwords and addresses: change them signed in, or recover them by mail."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Job, Revoke
from nexcorp.errors import Unauthorized, on_constraint
from nexcorp.features.auth.recovery.errors import (
    AlreadyVerified,
    EmailUnchanged,
    InvalidToken,
    TooManyMails,
)
from nexcorp.features.auth.sessions.errors import EmailTaken
from nexcorp.features.auth.sessions.service import emit_identity, revoke_sessions

SEND_MAILS = Job("send_mails")
# Purposes of mailed tokens; the kind of the mail has the same name.
VERIFY, RESET, CHANGE, INVITE = "verify_email", "reset_password", "change_email", "invitation"
PURPOSES = [VERIFY, RESET, CHANGE]
# Purposes that a new password voids: a thief may have asked for these tokens.
ENDED_BY_PASSWORD = [RESET, CHANGE]
# Seconds between two mails of a kind to an address, and mails to a mailbox in an hour. Notes of changes have
# limits of their own, so that they still come after many mails that anybody can request.
SPACING, NOTE_SPACING = 60, 600
MOST_MAILS, MOST_NOTES = 5, 7


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of a used token: the owner of the account reads mail sent to `email`."""

    user_id: UUID
    purpose: str
    email: str
    # The account's current address, and whether it was verified before.
    current_email: str
    verified: bool


def hash_token(token: str) -> bytes:
    """The hash under which a token is stored."""
    return sha256(token.encode()).digest()


async def queue_mail(
    conn: Any,
    user_id: UUID,
    kind: str,
    address: str,
    *,
    spacing: int = SPACING,
    most: int = MOST_MAILS,
    **data: str,
) -> bool:
    """Queue a mail, which a worker sends after the commit; returns False if a limit forbids it.

    Limits: `spacing` seconds between two mails of a kind to an address, and `most` mails of any kind an hour
    to a mailbox, whatever follows a + in its address.
    """
    await sql.mails.take_turn(conn, address=address)
    queued = await sql.mails.insert_mail(
        conn, user_id=user_id, kind=kind, address=address, data=data, spacing=spacing, most=most
    )
    if queued:
        conn.after(SEND_MAILS)
    return bool(queued)


async def queue_note(conn: Any, user_id: UUID, kind: str, address: str, **data: str) -> None:
    """Queue a mail about a change to a verified address, within the limits of notes."""
    await queue_mail(conn, user_id, kind, address, spacing=NOTE_SPACING, most=MOST_NOTES, **data)


async def queue_verification(conn: Any, account: Any) -> None:
    """Queue the verification mail of a new account."""
    await queue_mail(conn, account["id"], VERIFY, account["email"])


async def void_tokens(conn: Any, user_id: UUID, purposes: list[str]) -> None:
    """Void the tokens of these purposes, sent or not.

    The mails come first: a worker that is about to store a token locks its mail, so this waits for it.
    """
    await sql.mails.cancel_mails(conn, user_id=user_id, kinds=purposes)
    await sql.account_tokens.delete_tokens(conn, user_id=user_id, purposes=purposes)


async def end_sessions(conn: Any, user_id: UUID, kept: UUID | None) -> list[UUID]:
    """End all sessions except `kept` after a new password; returns the ids of those that ended."""
    rows = await revoke_sessions(conn, user_id=user_id, kept=kept, reason="password")
    return [row["id"] for row in rows]


async def close_other_ways(conn: Any, user_id: UUID, *, shown: UUID | None = None) -> dict[str, int]:
    """End the ways into an account whose address is proved only now: another person may have registered it.

    They are its sessions, API keys, identities and mailed tokens. `shown` is the session that sent the proof:
    if it is the account's own, its user reads the address's mail, so that this session and the identities
    stay. Returns how many `sessions` and `keys` ended.
    """
    own = None
    if shown is not None:
        session = await sql.auth.get_session_principal(conn, session_id=shown)
        own = shown if session is not None and session["user_id"] == user_id else None
    sessions = await revoke_sessions(conn, user_id=user_id, kept=own, reason="reclaimed")
    keys = await sql.keys.revoke_every_key(conn, user_id=user_id)
    conn.after(Revoke(tuple(row["id"] for row in keys)))
    if own is None:
        for row in await sql.identities.delete_identities(conn, user_id=user_id):
            await emit_identity(conn, "identity.unlinked", user_id, row["provider"])
    # An address change requested before could still move the account to another address.
    await void_tokens(conn, user_id, PURPOSES)
    return {"sessions": len(sessions), "keys": len(keys)}


async def change_password(
    conn: Any, *, user_id: UUID, session_id: UUID, verified_hash: str, new_hash: str, mail: bool
) -> list[UUID] | None:
    """Set a new password; returns the ids of ended sessions, or None if the hash is not `verified_hash` now.

    `mail`: whether to tell the owner by mail.
    """
    account = await sql.auth.change_password(
        conn, user_id=user_id, verified_hash=verified_hash, password_hash=new_hash
    )
    if account is None:
        return None
    ended = await end_sessions(conn, user_id, session_id)
    await void_tokens(conn, user_id, ENDED_BY_PASSWORD)
    await emit(
        conn,
        "password.changed",
        actor_id=user_id,
        entity=("user", user_id),
        payload={"userId": user_id, "sessionsEnded": len(ended)},
    )
    if mail and account["verified"]:
        await queue_note(conn, user_id, "password_changed", account["email"])
    return ended


async def request_reset(conn: Any, email: str, key: bytes) -> None:
    """Mail a reset token to the account with this address; the caller does not learn whether it exists.

    The event is written either way; for an unknown address its id is an HMAC of the address under `key`.
    """
    await sql.mails.take_turn(conn, address=email)
    account = await sql.auth.get_credentials(conn, email=email)
    known = account if account is not None and account["status"] == "active" else None
    digest = hmac.digest(key, b"signin\0" + email.casefold().encode(), "sha256")
    if known is not None:
        # To the stored address: the typed one may look the same in another alphabet.
        await queue_mail(conn, known["id"], RESET, known["email"])
    await emit(
        conn,
        "password.reset_requested",
        actor_id=None,
        entity=("user", known["id"]) if known else ("signin", UUID(bytes=digest[:16])),
        payload={"userId": known["id"] if known else None},
    )


async def use_token(conn: Any, token: str, purposes: list[str]) -> Proof:
    """Use up a token, void the account's others of its purpose, and return its proof; raises InvalidToken."""
    token_hash = hash_token(token)
    # Lock the account first: two tokens of one account would deadlock.
    owner = await sql.account_tokens.lock_owner(conn, token_hash=token_hash)
    used = await sql.account_tokens.use_token(conn, token_hash=token_hash, purposes=purposes)
    if owner is None or used is None:
        raise InvalidToken()
    await void_tokens(conn, owner["id"], [used["purpose"]])
    proof = Proof(owner["id"], used["purpose"], used["email"], owner["email"], owner["verified"])
    # The token was sent to an address that is no longer the account's.
    if proof.purpose != CHANGE and proof.email.casefold() != proof.current_email.casefold():
        raise InvalidToken()
    return proof


async def reset_password(conn: Any, *, token: str, password_hash: str) -> None:
    """Set a new password by token, which ends every session; raises InvalidToken."""
    proof = await use_token(conn, token, [RESET])
    user_id = proof.user_id
    proved = await sql.auth.reset_password(conn, user_id=user_id, password_hash=password_hash)
    ended = len(await end_sessions(conn, user_id, None))
    if proved:
        await close_other_ways(conn, user_id)
    # The reset has verified the address.
    await void_tokens(conn, user_id, [VERIFY, *ENDED_BY_PASSWORD])
    await emit(
        conn,
        "password.reset",
        actor_id=user_id,
        entity=("user", user_id),
        payload={"userId": user_id, "sessionsEnded": ended},
    )
    await queue_note(conn, user_id, "password_reset", proof.current_email)


async def verify_email(conn: Any, *, token: str, shown: UUID | None = None) -> None:
    """Use a token that verifies the account's address, or changes it to the one it was sent to.

    The first proof of an address runs close_other_ways(), which explains `shown`. Raises InvalidToken or
    EmailTaken.
    """
    proof = await use_token(conn, token, [VERIFY, CHANGE])
    user_id = proof.user_id
    if not proof.verified:
        await close_other_ways(conn, user_id, shown=shown)
    if proof.purpose == VERIFY:
        await sql.auth.verify_email(conn, user_id=user_id)
        name = "email.verified"
    else:
        # Tokens sent to the old address must not open the account any more.
        await void_tokens(conn, user_id, [VERIFY, RESET])
        # Before change_email() locks the account: mails take their turn first, then that lock.
        if proof.verified:
            await queue_note(conn, user_id, "email_changed", proof.current_email, newEmail=proof.email)
        with on_constraint("users_email_key", EmailTaken()):
            await sql.auth.change_email(conn, user_id=user_id, email=proof.email)
        name = "email.changed"
    await emit(conn, name, actor_id=user_id, entity=("user", user_id), payload={"userId": user_id})


async def resend_verification(conn: Any, user_id: UUID) -> None:
    """Send the verification mail again, also to a verified address that has refused mail.

    Raises AlreadyVerified or TooManyMails.
    """
    account = await sql.auth.lock_address(conn, user_id=user_id)
    if account is None:
        raise Unauthorized()
    if account["verified"] and not account["bounced"]:
        raise AlreadyVerified()
    await require_queued(conn, user_id, VERIFY, account["email"])
    await emit(
        conn,
        "email.verification_requested",
        actor_id=user_id,
        entity=("user", user_id),
        payload={"userId": user_id},
    )


async def request_email_change(conn: Any, *, user_id: UUID, email: str) -> None:
    """Send a token to a new address, and a note to the old one.

    Raises EmailTaken, EmailUnchanged or TooManyMails.
    """
    account = await sql.auth.lock_address(conn, user_id=user_id)
    if account is None:
        raise Unauthorized()
    if account["email"].casefold() == email.casefold():
        raise EmailUnchanged()
    if await sql.auth.is_email_taken(conn, email=email):
        raise EmailTaken()
    # Only the last address counts: the one before may be misspelt, and belong to another person.
    await void_tokens(conn, user_id, [CHANGE])
    await require_queued(conn, user_id, CHANGE, email)
    if account["verified"]:
        await queue_note(conn, user_id, "email_change_requested", account["email"], newEmail=email)
    await emit(
        conn,
        "email.change_requested",
        actor_id=user_id,
        entity=("user", user_id),
        payload={"userId": user_id},
    )


async def require_queued(conn: Any, user_id: UUID, kind: str, address: str) -> None:
    """Queue a mail; raises TooManyMails if a limit forbids it."""
    if not await queue_mail(conn, user_id, kind, address):
        raise TooManyMails(retry_after=SPACING)

"""The rules of passwords and addresses: changing them signed in, recovering them by mail."""

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
    TooManyAttempts,
    TooManyMails,
)
from nexcorp.features.auth.sessions.errors import EmailTaken
from nexcorp.features.auth.sessions.service import emit_identity, revoke_sessions

SEND_MAILS = Job("send_mails")
# Of one session in 15 minutes.
WRONG_PASSWORDS = 5
# What the token of a mail is for; the kind of the mail has the same name.
VERIFY, RESET, CHANGE = "verify_email", "reset_password", "change_email"
PURPOSES = [VERIFY, RESET, CHANGE]
# Purposes that a new password voids: a thief may have asked for these tokens.
ENDED_BY_PASSWORD = [RESET, CHANGE]
MAIL_SPACING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Proof:
    """What a used token proved: the owner of the account reads mail sent to `email`."""

    user_id: UUID
    purpose: str
    email: str
    # The address that the account has now.
    current_email: str


def hash_token(token: str) -> bytes:
    """The hash under which a token is stored."""
    return sha256(token.encode()).digest()


async def queue_mail(conn: Any, user_id: UUID, kind: str, address: str, **data: str) -> None:
    """Queue a mail; a worker sends it after the commit."""
    await sql.mails.insert_mail(conn, user_id=user_id, kind=kind, address=address, data=data)
    conn.after(SEND_MAILS)


async def queue_mail_within_limits(conn: Any, user_id: UUID, kind: str, address: str) -> bool:
    """As queue_mail(), at most one a minute and five an hour; returns whether it is queued."""
    queued = await sql.mails.insert_mail_within_limits(conn, user_id=user_id, kind=kind, address=address)
    if queued:
        conn.after(SEND_MAILS)
    return bool(queued)


async def queue_verification(conn: Any, account: Any) -> None:
    """The first mail to a new account."""
    await queue_mail(conn, account["id"], VERIFY, account["email"])


async def check_proofs_left(conn: Any, user_id: UUID, session_id: UUID) -> None:
    """Raises TooManyAttempts if this session named WRONG_PASSWORDS wrong passwords in 15 minutes.

    Counted by session, so that the thief of a session can neither guess for long nor lock the owner out.
    """
    wrong = await sql.auth.count_wrong_passwords(conn, user_id=user_id, session_id=session_id)
    if wrong >= WRONG_PASSWORDS:
        raise TooManyAttempts(retry_after=900)


async def void_tokens(conn: Any, user_id: UUID, purposes: list[str]) -> None:
    """Void the tokens of these purposes, sent or not.

    The mails go first: a worker that is about to store a token holds its mail, so this waits for it.
    """
    await sql.mails.cancel_mails(conn, user_id=user_id, kinds=purposes)
    await sql.account_tokens.delete_tokens(conn, user_id=user_id, purposes=purposes)


async def end_sessions(conn: Any, user_id: UUID, kept: UUID | None) -> list[UUID]:
    """End all sessions except `kept` after a new password; returns the ids of those that ended."""
    rows = await revoke_sessions(conn, user_id=user_id, kept=kept, reason="password")
    return [row["id"] for row in rows]


async def close_other_ways(conn: Any, user_id: UUID) -> list[UUID]:
    """End the API keys and unlink the identities of an account whose address is proved only now.

    A squatter may have made them. Returns the ids of the keys.
    """
    keys = await sql.keys.revoke_every_key(conn, user_id=user_id)
    conn.after(Revoke(tuple(row["id"] for row in keys)))
    for row in await sql.identities.delete_identities(conn, user_id=user_id):
        await emit_identity(conn, "identity.unlinked", user_id, row["provider"])
    return [row["id"] for row in keys]


async def change_password(
    conn: Any, *, user_id: UUID, session_id: UUID, verified_hash: str, new_hash: str, mail: bool
) -> list[UUID] | None:
    """Set a new password; returns the ids of ended sessions, None if `verified_hash` has changed.

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
    if mail:
        await queue_mail(conn, user_id, "password_changed", account["email"])
    return ended


async def request_reset(conn: Any, email: str, key: bytes) -> None:
    """Mail a token to the account with this address; the answer does not tell whether it exists.

    The event is written either way; for an unknown address its id is an HMAC of the address under `key`.
    """
    await sql.mails.take_turn(conn, address=email)
    account = await sql.auth.get_credentials(conn, email=email)
    known = account if account is not None and account["status"] == "active" else None
    digest = hmac.digest(key, b"signin\0" + email.casefold().encode(), "sha256")
    if known is not None:
        # To the stored address: the typed one may look the same in another alphabet.
        await queue_mail_within_limits(conn, known["id"], RESET, known["email"])
    await emit(
        conn,
        "password.reset_requested",
        actor_id=None,
        entity=("user", known["id"]) if known else ("signin", UUID(bytes=digest[:16])),
        payload={"userId": known["id"] if known else None},
    )


async def use_token(conn: Any, token: str, purposes: list[str]) -> Proof:
    """Use up a token and all others of its purpose; raises InvalidToken."""
    token_hash = hash_token(token)
    # Lock the account first: two tokens of one account would deadlock.
    owner = await sql.account_tokens.lock_owner(conn, token_hash=token_hash)
    used = await sql.account_tokens.use_token(conn, token_hash=token_hash, purposes=purposes)
    if owner is None or used is None:
        raise InvalidToken()
    await void_tokens(conn, owner["id"], [used["purpose"]])
    proof = Proof(owner["id"], used["purpose"], used["email"], owner["email"])
    # Sent to an address that is no longer the account's.
    if proof.purpose != CHANGE and proof.email.casefold() != proof.current_email.casefold():
        raise InvalidToken()
    return proof


async def reset_password(conn: Any, *, token: str, password_hash: str) -> None:
    """Set a new password by token, which ends every session; raises InvalidToken."""
    proof = await use_token(conn, token, [RESET])
    user_id = proof.user_id
    proved = await sql.auth.reset_password(conn, user_id=user_id, password_hash=password_hash)
    ended = await end_sessions(conn, user_id, None)
    if proved:
        # The address is proved only now: a squatter may have made the account and ways into it.
        ended += await close_other_ways(conn, user_id)
    # The address is verified by this.
    await void_tokens(conn, user_id, [VERIFY, *ENDED_BY_PASSWORD])
    await emit(
        conn,
        "password.reset",
        actor_id=user_id,
        entity=("user", user_id),
        payload={"userId": user_id, "sessionsEnded": len(ended)},
    )
    await queue_mail(conn, user_id, "password_reset", proof.current_email)


async def verify_email(conn: Any, *, token: str) -> None:
    """Use a token that verifies the account's address, or changes it to the one it was sent to.

    Raises InvalidToken or EmailTaken.
    """
    proof = await use_token(conn, token, [VERIFY, CHANGE])
    if proof.purpose == VERIFY:
        await sql.auth.verify_email(conn, user_id=proof.user_id)
        name = "email.verified"
    else:
        # What was sent to the old address must not open the account any more.
        await void_tokens(conn, proof.user_id, [VERIFY, RESET])
        with on_constraint("users_email_key", EmailTaken()):
            await sql.auth.change_email(conn, user_id=proof.user_id, email=proof.email)
        await queue_mail(conn, proof.user_id, "email_changed", proof.current_email, newEmail=proof.email)
        name = "email.changed"
    await emit(
        conn,
        name,
        actor_id=proof.user_id,
        entity=("user", proof.user_id),
        payload={"userId": proof.user_id},
    )


async def resend_verification(conn: Any, user_id: UUID) -> None:
    """Send the verification mail again; raises AlreadyVerified or TooManyMails."""
    account = await sql.auth.lock_address(conn, user_id=user_id)
    if account is None:
        raise Unauthorized()
    if account["verified"]:
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
    await queue_mail(conn, user_id, "email_change_requested", account["email"], newEmail=email)
    await emit(
        conn,
        "email.change_requested",
        actor_id=user_id,
        entity=("user", user_id),
        payload={"userId": user_id},
    )


async def require_queued(conn: Any, user_id: UUID, kind: str, address: str) -> None:
    """Queue a mail; raises TooManyMails where its limits are reached."""
    if not await queue_mail_within_limits(conn, user_id, kind, address):
        raise TooManyMails(retry_after=MAIL_SPACING_SECONDS)

"""The rules of passwords and addresses: changed by their owner, or recovered by whoever reads the mail."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.wake import SEND_MAILS
from nexcorp.errors import BadRequest, Conflict, TooManyRequests, Unauthorized, on_constraint
from nexcorp.features.auth.sessions.service import emit_identity, revoke_sessions

# Of one session in 15 minutes.
WRONG_PASSWORDS = 5
VERIFY, RESET, CHANGE = "verify_email", "reset_password", "change_email"
# What a new password makes worthless: whoever asked for these may have been a thief.
ENDED_BY_PASSWORD = [RESET, CHANGE]
MAIL_SPACING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token proved: that the owner of an account reads the mail of `email`."""

    user_id: UUID
    purpose: str
    email: str
    # The address of the account as it is.
    current_email: str


def hash_token(token: str) -> bytes:
    """What is stored of a token."""
    return sha256(token.encode()).digest()


def invalid_token() -> BadRequest:
    """One answer to a token that is wrong, used or too old."""
    return BadRequest("invalid_token", "This link is wrong, was used, or is too old: ask for a new one.")


def email_taken() -> Conflict:
    """The answer where another account has the address."""
    return Conflict("email_taken", "This e-mail address is registered already.")


async def queue_mail(conn: Any, user_id: UUID, kind: str, address: str, **data: str) -> None:
    """Have a mail sent once the transaction commits."""
    await sql.mails.insert_mail(conn, user_id=user_id, kind=kind, address=address, data=data)
    conn.ask_for_job(SEND_MAILS)


async def queue_mail_within_limits(conn: Any, user_id: UUID, kind: str, address: str) -> bool:
    """As queue_mail(), at most one a minute and five an hour; returns whether it is queued."""
    queued = await sql.mails.insert_mail_within_limits(conn, user_id=user_id, kind=kind, address=address)
    if queued:
        conn.ask_for_job(SEND_MAILS)
    return bool(queued)


async def queue_verification(conn: Any, account: Any) -> None:
    """The first mail to a new account."""
    await queue_mail(conn, account["id"], VERIFY, account["email"])


async def check_proofs_left(conn: Any, user_id: UUID, session_id: UUID) -> None:
    """Raise TooManyRequests where this session has named WRONG_PASSWORDS lately, from wherever.

    Counted by session: a stolen one cannot guess for long, and cannot keep the owner out either.
    """
    wrong = await sql.auth.count_wrong_passwords(conn, user_id=user_id, session_id=session_id)
    if wrong >= WRONG_PASSWORDS:
        raise TooManyRequests(
            "too_many_attempts", "Too many wrong passwords: try again later.", retry_after=900
        )


async def void_tokens(conn: Any, user_id: UUID, purposes: list[str]) -> None:
    """Make tokens worthless, and those not yet sent as well.

    The mails first: a worker that is about to store a token holds its mail, and is waited for.
    """
    await sql.mails.cancel_mails(conn, user_id=user_id, kinds=purposes)
    await sql.account_tokens.delete_tokens(conn, user_id=user_id, purposes=purposes)


async def end_sessions(conn: Any, user_id: UUID, kept: UUID | None) -> list[UUID]:
    """End all sessions but `kept`, as the password is a new one; returns the ids of those that ended."""
    rows = await revoke_sessions(conn, user_id=user_id, kept=kept, reason="password")
    return [row["id"] for row in rows]


async def close_other_ways(conn: Any, user_id: UUID) -> list[UUID]:
    """End the API keys and unlink the identities of whoever held an account before its address was proved.

    Returns the ids of the keys.
    """
    keys = await sql.keys.revoke_every_key(conn, user_id=user_id)
    for row in await sql.identities.delete_identities(conn, user_id=user_id):
        await emit_identity(conn, "identity.unlinked", user_id, row["provider"], row["username"])
    return [row["id"] for row in keys]


async def change_password(
    conn: Any, *, user_id: UUID, session_id: UUID, verified_hash: str, new_hash: str, mail: bool
) -> list[UUID] | None:
    """Set a new password; returns the sessions that ended, None where `verified_hash` is no longer theirs.

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
    """Send a mail to whoever has this address; nothing tells whether somebody does.

    The event is written either way, for an unknown address under an id that `key` makes of it.
    """
    await sql.mails.take_turn(conn, address=email)
    account = await sql.auth.get_credentials(conn, email=email)
    known = account if account is not None and account["status"] == "active" else None
    digest = hmac.digest(key, b"signin\0" + email.casefold().encode(), "sha256")
    if known is not None:
        # To the address as it stands there: what was typed may look the same in another alphabet.
        await queue_mail_within_limits(conn, known["id"], RESET, known["email"])
    await emit(
        conn,
        "password.reset_requested",
        actor_id=None,
        entity=("user", known["id"]) if known else ("signin", UUID(bytes=digest[:16])),
        payload={"userId": known["id"] if known else None},
    )


async def use_token(conn: Any, token: str, purposes: list[str]) -> Proof:
    """Use a token up, and with it all others of its purpose; raises BadRequest `invalid_token`."""
    token_hash = hash_token(token)
    # First the account: two tokens of one account at once would wait for each other.
    owner = await sql.account_tokens.lock_owner(conn, token_hash=token_hash)
    used = await sql.account_tokens.use_token(conn, token_hash=token_hash, purposes=purposes)
    if owner is None or used is None:
        raise invalid_token()
    await void_tokens(conn, owner["id"], [used["purpose"]])
    proof = Proof(owner["id"], used["purpose"], used["email"], owner["email"])
    # Sent to an address that is no longer the account's.
    if proof.purpose != CHANGE and proof.email.casefold() != proof.current_email.casefold():
        raise invalid_token()
    return proof


async def reset_password(conn: Any, *, token: str, password_hash: str) -> list[UUID]:
    """Set a new password by token; returns the sessions and keys that ended.

    Raises BadRequest `invalid_token`.
    """
    proof = await use_token(conn, token, [RESET])
    user_id = proof.user_id
    proved = await sql.auth.reset_password(conn, user_id=user_id, password_hash=password_hash)
    ended = await end_sessions(conn, user_id, None)
    if proved:
        # Until now anybody could have made this account, and ways into it.
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
    return ended


async def verify_email(conn: Any, *, token: str) -> None:
    """Take a token that was sent to an address: the account's, or the one it is to have.

    Raises BadRequest `invalid_token`, or Conflict `email_taken`.
    """
    proof = await use_token(conn, token, [VERIFY, CHANGE])
    if proof.purpose == VERIFY:
        await sql.auth.verify_email(conn, user_id=proof.user_id)
        name = "email.verified"
    else:
        # What was sent to the old address must not open the account any more.
        await void_tokens(conn, proof.user_id, [VERIFY, RESET])
        with on_constraint("users_email_key", email_taken()):
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
    """Send the mail again; raises Conflict `already_verified`, or TooManyRequests."""
    account = await sql.auth.lock_address(conn, user_id=user_id)
    if account is None:
        raise Unauthorized()
    if account["verified"]:
        raise Conflict("already_verified", "This e-mail address is verified already.")
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

    Raises Conflict `email_taken` or `email_unchanged`, or TooManyRequests.
    """
    account = await sql.auth.lock_address(conn, user_id=user_id)
    if account is None:
        raise Unauthorized()
    if account["email"].casefold() == email.casefold():
        raise Conflict("email_unchanged", "This is the account's address already.")
    if await sql.auth.is_email_taken(conn, email=email):
        raise email_taken()
    # Only the last address asked for counts: the one before may have been misspelt, and be somebody's.
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
    """Queue a mail; raises TooManyRequests where its limits are reached."""
    if not await queue_mail_within_limits(conn, user_id, kind, address):
        raise TooManyRequests(
            "too_many_mails", "A mail is on its way: look for it, or wait.", retry_after=MAIL_SPACING_SECONDS
        )

"""The rules of invitations: an address has at most one open, usable once, by a mailed link."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery import emit
from nexcorp.domain.emails import show_email
from nexcorp.errors import Invalid
from nexcorp.features.auth.invitations.errors import (
    InvitationNotFound,
    InvitationRequired,
    RegistrationClosed,
)
from nexcorp.features.auth.recovery.errors import InvalidToken
from nexcorp.features.auth.recovery.service import INVITE, hash_token, require_queued
from nexcorp.features.auth.sessions.errors import EmailTaken


def show_invitation(row: Any) -> dict[str, Any]:
    """An invitation as administrators see it."""
    shown = row_to_dict(row)
    return {**shown, "email": show_email(shown["email"])}


async def invite(conn: Any, user_id: UUID, email: str) -> dict[str, Any]:
    """Invite an address by mail, which revokes its open invitations; returns the new one.

    Raises EmailTaken if the address has an account, TooManyMails if it was sent too many mails.
    """
    if await sql.auth.is_email_taken(conn, email=email):
        raise EmailTaken()
    await require_queued(conn, user_id, INVITE, email)
    for earlier in await sql.invitations.revoke_open(conn, email=email):
        await emit_invitation(conn, "invitation.revoked", user_id, earlier["id"])
    await sql.account_tokens.delete_invitation_tokens(conn, email=email)
    row = await sql.invitations.insert_invitation(conn, email=email, invited_by=user_id)
    await emit_invitation(conn, "invitation.created", user_id, row["id"])
    return show_invitation(row)


async def revoke(conn: Any, user_id: UUID, invitation_id: UUID) -> None:
    """Revoke an invitation; raises InvitationNotFound if it was accepted or revoked, or has expired."""
    email = await sql.invitations.revoke_invitation(conn, invitation_id=invitation_id)
    if email is None:
        raise InvitationNotFound()
    await sql.account_tokens.delete_invitation_tokens(conn, email=email)
    await emit_invitation(conn, "invitation.revoked", user_id, invitation_id)


async def check_invitation(conn: Any, token: str | None, email: str) -> bool:
    """Use up the token of an invitation; returns False without a token (None), True otherwise.

    Raises InvalidToken, or Invalid if the invitation is for another address.
    """
    if token is None:
        return False
    used = await sql.account_tokens.use_token(conn, token_hash=hash_token(token), purposes=[INVITE])
    if used is None or not await sql.invitations.is_invited(conn, email=used["email"]):
        raise InvalidToken()
    if used["email"].casefold() != email.casefold():
        raise Invalid(errors={"email": ["The invitation is for another address."]})
    return True


async def check_registration(conn: Any, mode: str, email: str, *, invited: bool) -> None:
    """Raise RegistrationClosed or InvitationRequired if this address may not register.

    `mode`: the setting REGISTRATION. `invited`: whether the user has proved that they read mail to `email`.
    """
    if mode == "closed":
        raise RegistrationClosed()
    if mode == "invite" and not (invited and await sql.invitations.is_invited(conn, email=email)):
        raise InvitationRequired()


async def accept(conn: Any, email: str, user_id: UUID) -> None:
    """Mark the open invitation of a verified address, if there is one, as accepted by this account."""
    invitation_id = await sql.invitations.accept_invitation(conn, email=email, user_id=user_id)
    if invitation_id is not None:
        await sql.account_tokens.delete_invitation_tokens(conn, email=email)
        await emit_invitation(conn, "invitation.accepted", user_id, invitation_id)


async def emit_invitation(conn: Any, name: str, user_id: UUID, invitation_id: UUID) -> None:
    """Emit an event of an invitation, without its address."""
    entity = ("invitation", invitation_id)
    await emit(conn, name, actor_id=user_id, entity=entity, payload={"userId": user_id})

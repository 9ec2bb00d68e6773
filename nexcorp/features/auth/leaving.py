"""Remove the ways to sign in of a user who leaves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.effects import Revoke
from nexcorp.features.auth.recovery.service import PURPOSES


async def forget_sign_in(conn: Any, user_id: UUID) -> None:
    """Remove credentials, sessions, identities, and mails and tokens, sent or not."""
    # These need the address, which is removed with the credentials.
    await sql.mails.delete_mails(conn, user_id=user_id)
    await sql.account_tokens.forget_invitation_tokens(conn, user_id=user_id)
    await sql.invitations.delete_invitations(conn, user_id=user_id)
    await sql.auth.forget_credentials(conn, user_id=user_id)
    sessions = await sql.auth.delete_sessions(conn, user_id=user_id)
    conn.after(Revoke(tuple(row["id"] for row in sessions), hidden=True))
    await sql.identities.delete_identities(conn, user_id=user_id)
    # After the mails: a worker that is about to store a token locks its mail.
    await sql.account_tokens.delete_tokens(conn, user_id=user_id, purposes=PURPOSES)
    await sql.idempotency.delete_keys_of(conn, user_id=user_id)
    await sql.idempotency.forget_assignee(conn, user_id=user_id)

"""Create administrators: only `nexcorp admin create` does, never a registration."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.features.auth.sessions.service import register_user


async def create_admin(conn: Any, email: str, password_hash: str, username: str | None) -> Any:
    """Create an account with the role admin; returns its row. Its address counts as verified.

    `password_hash` comes from passwords.hash_password(), called before the transaction. Without a
    `username` one is made from the address. Raises EmailTaken or UsernameTaken.
    """
    account = await register_user(
        conn, email=email, password_hash=password_hash, username=username, role="admin"
    )
    await sql.auth.trust_email(conn, user_id=account["id"])
    return account

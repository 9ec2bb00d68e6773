"""Administrators come from `nexcorp admin create`, never from being the first to register."""

from __future__ import annotations

from typing import Any

from nexcorp.features.auth.service import register_user


async def create_admin(conn: Any, email: str, password_hash: str, username: str | None) -> Any:
    """Create an account with the role admin; returns its row.

    `password_hash` comes from passwords.hash_password(), called before the transaction. Without a
    `username` one is made from the address. Raises Conflict `email_taken` or `username_taken`.
    """
    return await register_user(
        conn, email=email, password_hash=password_hash, username=username, role="admin"
    )

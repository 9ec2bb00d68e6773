"""Delete the API keys of a user who leaves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.effects import Revoke


async def delete_keys(conn: Any, user_id: UUID) -> None:
    """Delete a user's keys; every node refuses them from the commit on."""
    rows = await sql.keys.delete_keys(conn, user_id=user_id)
    conn.after(Revoke(tuple(row["id"] for row in rows)))

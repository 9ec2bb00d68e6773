"""Leaving the company as through the API, but inside a test's own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.features import PRODUCT
from nexcorp.features.users.service import take_leave


async def leave(conn: Any, user_id: UUID) -> None:
    """Let a person leave; raises the errors of take_leave()."""
    await PRODUCT.leave(conn, user_id, lambda: take_leave(conn, user_id))

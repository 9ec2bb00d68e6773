"""Leaving, as the API has somebody leave, inside a test's own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.features import PRODUCT
from nexcorp.features.users.service import take_leave


async def leave(conn: Any, user_id: UUID) -> None:
    """Have a person leave; raises what take_leave() raises."""
    await PRODUCT.leave(conn, user_id, lambda: take_leave(conn, user_id))

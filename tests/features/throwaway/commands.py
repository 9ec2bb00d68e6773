"""Socket commands for holders of badges."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.delivery.effects import WAKE
from nexcorp.realtime.commands import Client
from tests.features.throwaway.errors import BadgeNotFound
from tests.features.throwaway.statements import sql


async def thank(client: Client, data: dict[str, Any], frame_id: Any) -> None:
    """Thank for a badge; its giver is notified."""
    try:
        badge_id = UUID(str(data.get("badgeId")))
    except ValueError:
        raise BadgeNotFound() from None
    async with client.node.database.connection() as conn:
        version = await sql.thank_for_badge(
            conn, badge_id=badge_id, holder_id=client.socket.user_id, context={}
        )
        if version is None:
            raise BadgeNotFound()
        conn.after(WAKE)
    client.answer("badge-thanked", {"id": badge_id, "version": version}, frame_id)

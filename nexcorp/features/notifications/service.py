"""The rules of notifications: a receiver sees and changes only their own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery import emit
from nexcorp.features.notifications.errors import NotificationNotFound


async def list_notifications(
    conn: Any, user_id: UUID, query: dict[str, Any], before: UUID | None
) -> list[Any]:
    """Up to `limit + 1` of the user's notifications, newest first; common lists have own statements."""
    most = query["limit"] + 1
    plain = not query.keys() & {"archived", "type"} and query.get("unread", True)
    statements = sql.notifications
    if plain and "unread" in query:
        if before is None:
            rows: list[Any] = await statements.list_unread_first(conn, user_id=user_id, most=most)
        else:
            rows = await statements.list_unread_next(conn, user_id=user_id, before=before, most=most)
    elif plain:
        if before is None:
            rows = await statements.list_first(conn, user_id=user_id, most=most)
        else:
            rows = await statements.list_next(conn, user_id=user_id, before=before, most=most)
    else:
        rows = await statements.list_filtered(
            conn,
            user_id=user_id,
            before=before,
            unread=query.get("unread"),
            archived=query.get("archived", False),
            types=query.get("type"),
            most=most,
        )
    return rows


async def update_notification(conn: Any, user_id: UUID, notification_id: UUID, data: dict[str, Any]) -> Any:
    """Change `isRead`, `archived`, `seen`; returns the notification. Raises NotFound for another's, too."""
    await sql.notifications.lock_counter(conn, user_id=user_id)
    found = await sql.notifications.update_notification(
        conn,
        user_id=user_id,
        notification_id=notification_id,
        is_read=data.get("isRead"),
        archived=data.get("archived"),
        seen=data.get("seen"),
    )
    if not found:
        raise NotificationNotFound()
    row = await sql.notifications.get_notification(conn, user_id=user_id, notification_id=notification_id)
    await emit(
        conn,
        "notification.updated",
        actor_id=user_id,
        entity=("notification", notification_id),
        payload={"notification": row_to_dict(row)},
    )
    return row


async def delete_notification(conn: Any, user_id: UUID, notification_id: UUID) -> None:
    """Remove one; raises NotFound for another's, too."""
    await sql.notifications.lock_counter(conn, user_id=user_id)
    found = await sql.notifications.delete_notification(
        conn, user_id=user_id, notification_id=notification_id
    )
    if not found:
        raise NotificationNotFound()
    await emit(
        conn,
        "notification.deleted",
        actor_id=user_id,
        entity=("notification", notification_id),
        payload={"id": notification_id},
    )


async def read_all(conn: Any, user_id: UUID) -> int:
    """Mark all as read; returns how many were not."""
    await sql.notifications.lock_counter(conn, user_id=user_id)
    updated: int = await sql.notifications.read_all(conn, user_id=user_id)
    if updated:
        payload = {"isRead": True, "updated": updated}
        entity = ("user", user_id)
        await emit(conn, "notifications.read", actor_id=user_id, entity=entity, payload=payload)
    return updated

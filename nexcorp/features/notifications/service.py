"""The rules of notifications: a receiver sees and changes only their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context, emit
from nexcorp.delivery.effects import WAKE
from nexcorp.features.notifications.errors import NotificationNotFound

# Behind all that there is.
LAST_ID, LAST_TIME = UUID(int=2**128 - 1), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of notifications, and the unread count and the position of the own room that belong to it."""

    rows: list[Any]
    unread: int
    seq: int


async def list_notifications(conn: Any, user_id: UUID, query: dict[str, Any], before: UUID) -> Inbox:
    """Up to `limit + 1` of the user's notifications before an id, the newest first; one statement, or two for
    what is not there."""
    asked: dict[str, Any] = {"user_id": user_id, "before": before, "most": query["limit"] + 1}
    rows: list[Any] = []
    if not query.keys() & {"archived", "type", "unread"}:
        rows = await sql.notifications.list_all(conn, **asked)
    elif not query.keys() & {"archived", "type"} and query["unread"]:
        rows = await sql.notifications.list_unread(conn, **asked)
    if not rows:
        # A snapshot of its own, with whatever came meanwhile.
        rows = await sql.notifications.list_filtered(
            conn,
            **asked,
            unread=query.get("unread"),
            archived=query.get("archived", False),
            types=query.get("type"),
        )
    first = rows[0]
    return Inbox([] if first["id"] is None else rows, first["_unread"], first["_seq"])


async def update_notification(conn: Any, user_id: UUID, notification_id: UUID, data: dict[str, Any]) -> Any:
    """Change `isRead`, `archived`, `seen`; returns the notification. One statement.

    Raises NotificationNotFound, for another user's as well.
    """
    row = await sql.notifications.update_notification(
        conn,
        user_id=user_id,
        notification_id=notification_id,
        is_read=data.get("isRead"),
        archived=data.get("archived"),
        seen=data.get("seen"),
        context=describe_context(),
    )
    if row is None:
        raise NotificationNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row


async def delete_notification(conn: Any, user_id: UUID, notification_id: UUID) -> None:
    """Remove one; one statement. Raises NotificationNotFound, for another user's as well."""
    found = await sql.notifications.delete_notification(
        conn, user_id=user_id, notification_id=notification_id, context=describe_context()
    )
    if not found:
        raise NotificationNotFound()
    conn.after(WAKE)


async def read_all(conn: Any, user_id: UUID, before: UUID | datetime | None) -> int:
    """Mark all as read, or those before a notification's id or a time; returns how many were not."""
    await sql.notifications.lock_counter(conn, user_id=user_id)
    read = await sql.notifications.read_all(
        conn,
        user_id=user_id,
        before=before if isinstance(before, UUID) else LAST_ID,
        before_time=before if isinstance(before, datetime) else LAST_TIME,
    )
    updated: int = read["updated"]
    if updated:
        payload = {"isRead": True, "updated": updated, "through": read["through"], "before": before}
        entity = ("user", user_id)
        await emit(conn, "notifications.read", actor_id=user_id, entity=entity, payload=payload)
    return updated

"""The rules of notifications: a receiver sees and changes only their own.

`seen` leaves the count alone. What is read is seen; unread again, it stays seen. One is in the list, archived
or snoozed: to archive ends a snooze, to snooze takes it out of the archive and out of its group. Archived,
it keeps its place and its state; when it wakes it is unread, on top and by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import format_time
from nexcorp.delivery import describe_context, emit
from nexcorp.delivery.effects import WAKE
from nexcorp.errors import NotificationNotFound
from nexcorp.features.notifications.errors import GroupNotFound

# Behind all that there is.
LAST_ID, LAST_TIME = UUID(int=2**128 - 1), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of notifications, with the unread count and the position of the user's room."""

    rows: list[Any]
    unread: int
    seq: int


def make_inbox(rows: list[Any]) -> Inbox:
    """The page made of the rows of a list; a list that is empty gives one row without an id."""
    first = rows[0]
    return Inbox([] if first["id"] is None else rows, first["_unread"], first["_seq"])


async def list_notifications(conn: Any, user_id: UUID, query: dict[str, Any], before: UUID) -> Inbox:
    """Up to `limit + 1` of the user's notifications before a position, the newest first.

    `query` may have unread, type (a list), and one of archived, snoozed, group. One statement, or two for
    what is not there.
    """
    asked: dict[str, Any] = {"user_id": user_id, "before": before, "most": query["limit"] + 1}
    filters = {"unread": query.get("unread"), "types": query.get("type")}
    if query.get("group") is not None:
        return make_inbox(await sql.inbox.list_group(conn, **asked, **filters, group_id=query["group"]))
    if query.get("archived"):
        return make_inbox(await sql.inbox.list_archived(conn, **asked, **filters))
    if query.get("snoozed"):
        return make_inbox(await sql.inbox.list_snoozed(conn, **asked, **filters))
    rows: list[Any] = []
    if filters["types"] is None and filters["unread"] is None:
        rows = await sql.inbox.list_all(conn, **asked)
    elif filters["types"] is None and filters["unread"]:
        rows = await sql.inbox.list_unread(conn, **asked)
    # Where there is nothing, a snapshot of its own, with whatever came meanwhile.
    return make_inbox(rows or await sql.inbox.list_filtered(conn, **asked, **filters))


async def list_grouped(
    conn: Any, user_id: UUID, query: dict[str, Any], since: UUID, before: UUID
) -> tuple[Inbox, UUID]:
    """Up to `limit + 1` items of the user's list in which a group is one, before a place, the newest first.

    `since` is the newest place when the first page was read, LAST_ID for that page; returned for the next.
    `query` may have unread and type. One statement.
    """
    inbox = make_inbox(
        await sql.inbox.list_grouped(
            conn,
            user_id=user_id,
            since=since,
            before=before,
            unread=query.get("unread"),
            types=query.get("type"),
            most=query["limit"] + 1,
        )
    )
    if since == LAST_ID and inbox.rows:
        since = inbox.rows[0]["_place"]
    return inbox, since


async def get_notification(conn: Any, user_id: UUID, notification_id: UUID) -> Any:
    """A notification, in the list, archived or snoozed. Raises NotificationNotFound, for another user's as
    well.
    """
    row = await sql.inbox.get_notification(conn, user_id=user_id, notification_id=notification_id)
    if row is None:
        raise NotificationNotFound()
    return row


async def update_notification(conn: Any, user_id: UUID, notification_id: UUID, data: dict[str, Any]) -> Any:
    """Change `isRead`, `seen`, `archived`, `snoozedUntil` (null: wake it); returns the notification.

    One statement, but for what retention has archived. What is so already changes nothing and tells nobody.
    Raises NotificationNotFound, for another user's as well.
    """
    until = data.get("snoozedUntil")
    change: dict[str, Any] = {
        "user_id": user_id,
        "notification_id": notification_id,
        "is_read": data.get("isRead"),
        "seen": data.get("seen"),
        "archived": data.get("archived"),
        "snoozed_until": until,
        "wakes": "snoozedUntil" in data and until is None,
        "context": describe_context(),
    }
    row = await sql.notifications.update_notification(conn, **change)
    if row is None:
        # Each by itself is right: it is archived in either table.
        await sql.notifications.restore_notification(conn, user_id=user_id, notification_id=notification_id)
        row = await sql.notifications.update_notification(conn, **change)
    if row is None:
        raise NotificationNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row


async def delete_notification(conn: Any, user_id: UUID, notification_id: UUID) -> None:
    """Delete a notification; one statement. Raises NotificationNotFound, for another user's as well."""
    found = await sql.notifications.delete_notification(
        conn, user_id=user_id, notification_id=notification_id, context=describe_context()
    )
    if not found:
        raise NotificationNotFound()
    conn.after(WAKE)


Before = UUID | datetime | None


async def read_all(conn: Any, user_id: UUID, before: Before) -> int:
    """Mark all as read, or those before a notification's id, a position or a time; returns how many were
    not."""
    told = {"isRead": True, "before": show_before(before)}
    return await change_many(conn, user_id, sql.notifications.read_all, "read", told, **split(before))


async def see_all(conn: Any, user_id: UUID, before: Before) -> int:
    """Mark all as seen, or those before; returns how many were not."""
    told = {"seen": True, "before": show_before(before)}
    return await change_many(conn, user_id, sql.notifications.see_all, "seen", told, **split(before))


async def archive_all(conn: Any, user_id: UUID, before: Before, *, only_read: bool = True) -> int:
    """Archive all that are read, or all, or those of them before; returns how many."""
    told = {"archived": True, "onlyRead": only_read, "before": show_before(before)}
    more = {**split(before), "only_read": only_read}
    return await change_many(conn, user_id, sql.notifications.archive_all, "archived", told, **more)


async def read_group(conn: Any, user_id: UUID, group_id: UUID, up_to: UUID | None) -> int:
    """Mark a group as read, up to a notification's id or a position; returns how many were not.

    Raises GroupNotFound, for another user's as well.
    """
    told = {"isRead": True, "groupId": group_id}
    more = {"group_id": group_id, "up_to": up_to or LAST_ID}
    return await change_many(conn, user_id, sql.notifications.read_group, "read", told, **more)


async def archive_group(conn: Any, user_id: UUID, group_id: UUID, up_to: UUID | None) -> int:
    """Archive a group, up to a notification's id or a position; returns how many.

    Raises GroupNotFound, for another user's as well.
    """
    told = {"archived": True, "onlyRead": False, "groupId": group_id}
    more = {"group_id": group_id, "up_to": up_to or LAST_ID}
    return await change_many(conn, user_id, sql.notifications.archive_group, "archived", told, **more)


def show_before(before: Before) -> UUID | str | None:
    """`before` as a frame says it."""
    return format_time(before) if isinstance(before, datetime) else before


def split(before: Before) -> dict[str, Any]:
    """The position and the time that stand for `before`, as statements take them."""
    return {
        "before": before if isinstance(before, UUID) else LAST_ID,
        "before_time": before if isinstance(before, datetime) else LAST_TIME,
    }


async def change_many(
    conn: Any,
    user_id: UUID,
    statement: Callable[..., Awaitable[Any]],
    verb: str,
    told: dict[str, Any],
    **asked: Any,
) -> int:
    """Run a statement on many of the user's notifications and emit notifications.<verb>; returns how many
    changed. Where there were none nobody is told."""
    await sql.notifications.lock_counter(conn, user_id=user_id)
    changed = await statement(conn, user_id=user_id, **asked)
    if changed is None:
        raise GroupNotFound()
    updated: int = changed["updated"]
    if updated:
        payload = {
            **told,
            "updated": updated,
            "at": changed["at"],
            "through": changed["through"],
            "upTo": changed["up_to"],
        }
        await emit(conn, f"notifications.{verb}", actor_id=user_id, entity=("user", user_id), payload=payload)
    return updated

"""The rules of notifications: a receiver sees and changes only their own.

`seen` leaves the unread count alone. A read notification is seen, and stays seen when it becomes unread
again. A notification is in the list, archived or snoozed: archiving ends a snooze; snoozing takes it out of
the archive and of its group. An archived one keeps its place and state; one that wakes is unread, on top and
in no group.
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

# Greater than every id and every time.
LAST_ID, LAST_TIME = UUID(int=2**128 - 1), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of notifications, with the unread count and the position of the user's room."""

    rows: list[Any]
    unread: int
    seq: int


def make_inbox(rows: list[Any]) -> Inbox:
    """Build an Inbox from the rows of a list; an empty list comes as one row without an id."""
    first = rows[0]
    return Inbox([] if first["id"] is None else rows, first["_unread"], first["_seq"])


async def list_notifications(conn: Any, user_id: UUID, query: dict[str, Any], before: UUID) -> Inbox:
    """Return up to `limit + 1` of the user's notifications before a position, the newest first.

    `query` may have unread, type (a list), and one of archived, snoozed, group. This is one statement, or two
    for an empty page.
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
    # Without rows, read count and position in a new snapshot, with notifications that came meanwhile.
    return make_inbox(rows or await sql.inbox.list_filtered(conn, **asked, **filters))


async def list_grouped(
    conn: Any, user_id: UUID, query: dict[str, Any], since: UUID, before: UUID
) -> tuple[Inbox, UUID]:
    """Return up to `limit + 1` items of the user's list before a place, the newest first; a group is one
    item.

    `since` is the newest place when the first page was read, LAST_ID for that page itself; returned for the
    next page. `query` may have unread and type. This is one statement.
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
    """Return a notification, be it in the list, archived or snoozed. Raise NotificationNotFound, also for
    another user's."""
    row = await sql.inbox.get_notification(conn, user_id=user_id, notification_id=notification_id)
    if row is None:
        raise NotificationNotFound()
    return row


async def update_notification(conn: Any, user_id: UUID, notification_id: UUID, data: dict[str, Any]) -> Any:
    """Change `isRead`, `seen`, `archived`, `snoozedUntil` (null: wake it); return the notification.

    This is one statement, or three for a notification that retention has archived. Values that are set
    already change nothing and emit nothing. Raises NotificationNotFound, also for another user's.
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
        # No transaction is needed: between these statements the notification is archived as well.
        await sql.notifications.restore_notification(conn, user_id=user_id, notification_id=notification_id)
        row = await sql.notifications.update_notification(conn, **change)
    if row is None:
        raise NotificationNotFound()
    if row["_eventId"] is not None:
        conn.after(WAKE)
    return row


async def delete_notification(conn: Any, user_id: UUID, notification_id: UUID) -> None:
    """Delete a notification; one statement. Raises NotificationNotFound, also for another user's."""
    found = await sql.notifications.delete_notification(
        conn, user_id=user_id, notification_id=notification_id, context=describe_context()
    )
    if not found:
        raise NotificationNotFound()
    conn.after(WAKE)


Before = UUID | datetime | None


async def read_all(conn: Any, user_id: UUID, before: Before) -> int:
    """Mark all as read, or all before a notification's id, position or time; return how many changed."""
    told = {"isRead": True, "before": show_before(before)}
    return await change_many(conn, user_id, sql.notifications.read_all, "read", told, **split(before))


async def see_all(conn: Any, user_id: UUID, before: Before) -> int:
    """Mark all as seen, or those before `before`; return how many changed."""
    told = {"seen": True, "before": show_before(before)}
    return await change_many(conn, user_id, sql.notifications.see_all, "seen", told, **split(before))


async def archive_all(conn: Any, user_id: UUID, before: Before, *, only_read: bool = True) -> int:
    """Archive all read notifications, or unread ones too, before `before` if set; return how many changed."""
    told = {"archived": True, "onlyRead": only_read, "before": show_before(before)}
    more = {**split(before), "only_read": only_read}
    return await change_many(conn, user_id, sql.notifications.archive_all, "archived", told, **more)


async def read_group(conn: Any, user_id: UUID, group_id: UUID, up_to: UUID | None) -> int:
    """Mark a group as read, up to a notification's id or a position; return how many changed.

    Raises GroupNotFound, also for another user's.
    """
    told = {"isRead": True, "groupId": group_id}
    more = {"group_id": group_id, "up_to": up_to or LAST_ID}
    return await change_many(conn, user_id, sql.notifications.read_group, "read", told, **more)


async def archive_group(conn: Any, user_id: UUID, group_id: UUID, up_to: UUID | None) -> int:
    """Archive a group, up to a notification's id or a position; return how many changed.

    Raises GroupNotFound, also for another user's.
    """
    told = {"archived": True, "onlyRead": False, "groupId": group_id}
    more = {"group_id": group_id, "up_to": up_to or LAST_ID}
    return await change_many(conn, user_id, sql.notifications.archive_group, "archived", told, **more)


def show_before(before: Before) -> UUID | str | None:
    """Return `before` as frames show it."""
    return format_time(before) if isinstance(before, datetime) else before


def split(before: Before) -> dict[str, Any]:
    """Return `before` as the parameters `before` and `before_time` of the statements."""
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
    """Run a statement on many of the user's notifications; emit notifications.<verb> if any changed. Return
    their number; raise GroupNotFound."""
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

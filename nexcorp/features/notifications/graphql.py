"""Notifications in GraphQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import strawberry
from strawberry.scalars import JSON

from nexcorp.db import sql
from nexcorp.domain.fields import load
from nexcorp.features.notifications import service
from nexcorp.features.notifications.routes import BY_NEWEST, CHANGE, READ, check_types
from nexcorp.features.notifications.schemas import Notification, NotificationQuery
from nexcorp.graphql.context import Context
from nexcorp.graphql.frames import read_frames
from nexcorp.graphql.parts import Info, Part, member, root
from nexcorp.graphql.shapes import list_of, maybe, shape_of
from nexcorp.realtime.node import NODE
from nexcorp.web.app_keys import SENTENCES
from nexcorp.web.paging import cut_page
from nexcorp.web.parsing import parse_uuid

NOTIFICATION = shape_of(Notification)


@strawberry.type
class NotificationFeed:
    """A page, and the position in the caller's own room from which a subscription completes it."""

    data: list[NOTIFICATION]  # type: ignore[valid-type]
    nextCursor: str | None
    unreadCount: int
    epoch: str | None
    seq: int


@strawberry.type
class NotificationChange:
    """A frame of the caller's own room."""

    event: str = strawberry.field(
        description="The name of the frame, as `notification:updated`; more may come."
    )
    epoch: str | None
    seq: int
    id: strawberry.ID | None = strawberry.field(
        description="The id of the notification that the frame is about."
    )
    notification: maybe(NOTIFICATION) = strawberry.field(  # type: ignore[valid-type]
        description="The notification as it is now; null if it was deleted, and for other frames."
    )
    data: JSON = strawberry.field(description="The `data` of the frame, as at /ws.")


async def fetch_page(context: Context, **asked: Any) -> dict[str, Any]:
    """Return the fields of a NotificationFeed; raise Invalid as GET /notifications does."""
    query = load(NotificationQuery(), {name: value for name, value in asked.items() if value is not None})
    check_types(context.request, query.get("type", []))
    context.take_rows(query["limit"])
    (before,) = BY_NEWEST.read(context.request, query)
    async with context.connection() as conn:
        inbox = await service.list_notifications(conn, context.caller.id, query, before)
    page, next_cursor = cut_page(context.request, inbox.rows, query["limit"], BY_NEWEST)
    sentences = context.request.app[SENTENCES]
    return {
        "data": [sentences.show(row) for row in page],
        "nextCursor": next_cursor,
        "unreadCount": inbox.unread,
        "epoch": context.request.app[NODE].positions.epoch,
        "seq": inbox.seq,
    }


@root(list_of(NOTIFICATION), READ)
async def get_notifications(
    info: Info, limit: int | None = None, cursor: str | None = None, unread: bool | None = None
) -> list[dict[str, Any]]:
    """Your notifications, newest first: 20, or up to 100. `cursor`: that of the last one you have."""
    page: list[dict[str, Any]] = (await fetch_page(info.context, limit=limit, cursor=cursor, unread=unread))[
        "data"
    ]
    return page


@root(NotificationFeed, READ)
async def notification_feed(
    info: Info,
    limit: int | None = None,
    cursor: str | None = None,
    unread: bool | None = None,
    archived: bool | None = None,
    snoozed: bool | None = None,
    group: str | None = None,
    type: str | None = None,
) -> dict[str, Any]:
    """A page of your notifications, and its position: pass `epoch/seq` as `after` to subscriptions.

    `archived`, `snoozed`: only archived or snoozed notifications. `group`: only the members of the group with
    this id. `type`: one or several types, comma-separated, in upper or lower case."""
    return await fetch_page(
        info.context,
        limit=limit,
        cursor=cursor,
        unread=unread,
        archived=archived,
        snoozed=snoozed,
        group=group,
        type=type,
    )


@root(int, READ)
async def get_unread_count(info: Info) -> int:
    """The number of your unread notifications."""
    async with info.context.connection() as conn:
        count: int | None = await sql.notifications.get_unread_count(conn, user_id=info.context.caller.id)
    return count or 0


@root(NOTIFICATION, CHANGE)
async def mark_as_read(info: Info, id: str) -> dict[str, Any]:
    """Mark one of your notifications as read."""
    notification_id = parse_uuid(id, "id")
    async with info.context.connection() as conn:
        row = await service.update_notification(
            conn, info.context.caller.id, notification_id, {"isRead": True}
        )
        return info.context.request.app[SENTENCES].show(row)


@root(int, CHANGE)
async def mark_all_as_read(info: Info) -> int:
    """Mark all of your notifications as read; returns the number of those that were unread."""
    async with info.context.transaction() as conn:
        return await service.read_all(conn, info.context.caller.id, None)


@root(bool, CHANGE)
async def delete_notification(info: Info, id: str) -> bool:
    """Remove one of your notifications."""
    notification_id = parse_uuid(id, "id")
    async with info.context.connection() as conn:
        await service.delete_notification(conn, info.context.caller.id, notification_id)
    return True


def watch(info: Info, after: str | None) -> AsyncIterator[dict[str, Any]]:
    """Read the frames of the caller's own room."""
    return read_frames(info.context, f"user:{info.context.caller.id}", after)


@root(NOTIFICATION, READ, subscription=True)
async def notification_created(info: Info, after: str | None = None) -> AsyncIterator[dict[str, Any]]:
    """Each new notification. Those after the position `after`, as `epoch/seq`, come first; each answer has
    its own position in `extensions.position`. If too many came since, it ends with `resume_lost`."""
    async for frame in watch(info, after):
        if frame["event"] == "notification:created":
            yield frame["data"]


@root(NotificationChange, READ, subscription=True)
async def notification_changed(info: Info, after: str | None = None) -> AsyncIterator[dict[str, Any]]:
    """Every frame of your own room, after the position `after`, as for notificationCreated."""
    async for frame in watch(info, after):
        data, event = frame["data"], frame["event"]
        concerned = event.startswith("notification:")
        shown = concerned and event != "notification:deleted"
        yield {**frame, "id": data["id"] if concerned else None, "notification": data if shown else None}


@member(str)
def cursor(root: Any, info: Info) -> str:
    """The `cursor` of the page after this item."""
    return BY_NEWEST.encode(info.context.request, root)


PART = Part(
    {
        "Query": [get_notifications, notification_feed, get_unread_count],
        "Mutation": [mark_as_read, mark_all_as_read, delete_notification],
        "Subscription": [notification_created, notification_changed],
        "Notification": [cursor],
    }
)

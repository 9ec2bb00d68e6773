"""Notifications over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import Invalid, NotificationNotFound
from nexcorp.features.notifications import service
from nexcorp.features.notifications.errors import GroupNotFound
from nexcorp.features.notifications.schemas import (
    ArchiveAll,
    Before,
    Notification,
    NotificationPage,
    NotificationQuery,
    UnreadCount,
    Updated,
    UpdateNotification,
    UpTo,
)
from nexcorp.realtime.node import NODE
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.app_keys import PRODUCT, SENTENCES
from nexcorp.web.paging import LAST_ID, Cursor, cut_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import delete, get, patch, post
from nexcorp.web.transactions import transaction, write

BY_NEWEST: Cursor[tuple[UUID]] = Cursor("notifications", tuple[UUID], (LAST_ID,), before="position")
# Positions: the newest place when the first page was read, and the place of the last item.
BY_PLACE: Cursor[tuple[UUID, UUID]] = Cursor(
    "notifications in groups", tuple[UUID, UUID], (LAST_ID, LAST_ID), since="_since", before="_place"
)


def check_types(request: web.Request, wanted: list[str]) -> None:
    """Raise Invalid unless a feature declares each of these types."""
    known = request.app[PRODUCT].notice_types
    if any(name not in known for name in wanted):
        raise Invalid(errors={"type": [f"Must be of: {', '.join(known)}."]})


async def list_notifications(request: web.Request, query: dict[str, Any]) -> web.Response:
    check_types(request, query.get("type", []))
    sentences = request.app[SENTENCES]
    if query.get("grouped"):
        since, before = BY_PLACE.read(request, query)
        async with database(request).connection() as conn:
            inbox, since = await service.list_grouped(conn, user_id(request), query, since, before)
        rows = [{**row, "_since": since} for row in inbox.rows]
        page, next_cursor = cut_page(request, rows, query["limit"], BY_PLACE)
        shown = [sentences.show_item(row) for row in page]
    else:
        (before,) = BY_NEWEST.read(request, query)
        async with database(request).connection() as conn:
            inbox = await service.list_notifications(conn, user_id(request), query, before)
        page, next_cursor = cut_page(request, inbox.rows, query["limit"], BY_NEWEST)
        shown = [sentences.show(row) for row in page]
    return reply(
        {
            "data": shown,
            "nextCursor": next_cursor,
            "unreadCount": inbox.unread,
            "epoch": request.app[NODE].positions.epoch,
            "seq": inbox.seq,
        }
    )


async def get_notification(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        row = await service.get_notification(conn, user_id(request), path_id(request))
    return reply(request.app[SENTENCES].show(row))


async def get_unread_count(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        count = await sql.notifications.get_unread_count(conn, user_id=user_id(request))
    return reply({"count": count or 0})


async def update_notification(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with write(request) as tx:
        row = await service.update_notification(tx.conn, user_id(request), path_id(request), body)
        return await tx.reply(request.app[SENTENCES].show(row))


async def delete_notification(request: web.Request) -> web.Response:
    async with write(request) as tx:
        await service.delete_notification(tx.conn, user_id(request), path_id(request))
        return no_content()


async def read_all(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        updated = await service.read_all(tx.conn, user_id(request), body.get("before"))
        return await tx.reply({"updated": updated})


async def see_all(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        updated = await service.see_all(tx.conn, user_id(request), body.get("before"))
        return await tx.reply({"updated": updated})


async def archive_all(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        before, only_read = body.get("before"), body["onlyRead"]
        updated = await service.archive_all(tx.conn, user_id(request), before, only_read=only_read)
        return await tx.reply({"updated": updated})


async def read_group(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        updated = await service.read_group(tx.conn, user_id(request), path_id(request), body.get("upTo"))
        return await tx.reply({"updated": updated})


async def archive_group(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        updated = await service.archive_group(tx.conn, user_id(request), path_id(request), body.get("upTo"))
        return await tx.reply({"updated": updated})


TAG = "Notifications"
READ = allow("notification:read", whose="your own only")
CHANGE = allow("notification:update", whose="your own only")
ROUTES = [
    get(
        "/notifications",
        list_notifications,
        "Your notifications, newest first",
        NotificationPage(),
        query=NotificationQuery(),
        access=READ,
        tag=TAG,
    ),
    get(
        "/notifications/unread-count",
        get_unread_count,
        "Number of your unread notifications",
        UnreadCount(),
        access=READ,
        tag=TAG,
    ),
    post(
        "/notifications/read-all",
        read_all,
        "Mark all notifications as read, or all before one",
        Updated(),
        200,
        body=Before(),
        access=CHANGE,
        tag=TAG,
    ),
    post(
        "/notifications/seen",
        see_all,
        "Mark all notifications as seen, or all before one",
        Updated(),
        200,
        body=Before(),
        access=CHANGE,
        tag=TAG,
    ),
    post(
        "/notifications/archive-all",
        archive_all,
        "Archive all read notifications, or all",
        Updated(),
        200,
        body=ArchiveAll(),
        access=CHANGE,
        tag=TAG,
    ),
    post(
        "/notifications/groups/{id}/read",
        read_group,
        "Mark a group of notifications as read, or its members up to one",
        Updated(),
        200,
        body=UpTo(),
        access=CHANGE,
        errors=(GroupNotFound,),
        tag=TAG,
    ),
    post(
        "/notifications/groups/{id}/archive",
        archive_group,
        "Archive a group of notifications, or its members up to one",
        Updated(),
        200,
        body=UpTo(),
        access=CHANGE,
        errors=(GroupNotFound,),
        tag=TAG,
    ),
    get(
        "/notifications/{id}",
        get_notification,
        "One of your notifications",
        Notification(),
        access=READ,
        errors=(NotificationNotFound,),
        tag=TAG,
    ),
    patch(
        "/notifications/{id}",
        update_notification,
        "Mark a notification as read or seen, archive or snooze it, or undo that",
        Notification(),
        body=UpdateNotification(),
        access=CHANGE,
        errors=(NotificationNotFound,),
        tag=TAG,
    ),
    delete(
        "/notifications/{id}",
        delete_notification,
        "Remove a notification",
        errors=(NotificationNotFound,),
        access=CHANGE,
        tag=TAG,
    ),
]

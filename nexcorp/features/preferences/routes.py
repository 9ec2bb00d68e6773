"""Preferences, mutes and types of notification over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import Database, sql
from nexcorp.features.preferences import service
from nexcorp.features.preferences.errors import EntityNotFound, TypeNotFound
from nexcorp.features.preferences.schemas import (
    MarkBody,
    Mute,
    MuteBody,
    MutePage,
    NotificationType,
    NotificationTypePage,
    Preferences,
    PreferencesBody,
)
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.app_keys import PRODUCT
from nexcorp.web.paging import FIRST_ID, Cursor, PageQuery, reply_page
from nexcorp.web.parsing import path_id, path_text
from nexcorp.web.replies import no_content, reply
from nexcorp.web.routing import delete, get, put
from nexcorp.web.transactions import transaction, write

BY_ENTITY: Cursor[tuple[str, UUID]] = Cursor(
    "mutes", tuple[str, UUID], ("", FIRST_ID), after_type="_entityType", after="_entityId"
)
# Kept because PostgreSQL reads a file for each of its time zones; they do not change while it runs.
ZONES: web.AppKey[list[frozenset[str]]] = web.AppKey("ZONES", list)


def types_of(request: web.Request) -> service.Types:
    """Return the types of notification that features declare."""
    types: service.Types = request.app[PRODUCT].notice_types
    return types


async def list_zones(app: web.Application, source: Database) -> frozenset[str]:
    """Return the names of time zones; the database is asked once."""
    kept = app[ZONES]
    if not kept:
        async with source.connection() as conn:
            kept.append(frozenset(row["name"] for row in await sql.preferences.list_zones(conn)))
    return kept[0]


def set_up(app: web.Application) -> None:
    """Create the empty cache of time zones."""
    app[ZONES] = []


async def get_preferences(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply(await service.get_preferences(conn, types_of(request), user_id(request)))


async def set_preferences(request: web.Request, body: dict[str, Any]) -> web.Response:
    types, zones = types_of(request), await list_zones(request.app, database(request))
    async with transaction(request) as tx:
        await service.set_preferences(tx.conn, types, zones, user_id(request), body)
        return await tx.reply(await service.get_preferences(tx.conn, types, user_id(request)))


async def list_mutes(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        rows = await BY_ENTITY.fetch(
            request, conn, query, sql.preferences.list_mutes, user_id=user_id(request)
        )
    return reply_page(request, rows, query["limit"], BY_ENTITY)


async def mute(request: web.Request, body: dict[str, Any]) -> web.Response:
    entity_id = path_id(request)
    async with write(request) as tx:
        row = await service.mute(
            tx.conn, user_id(request), path_text(request, "entityType"), entity_id, body["until"]
        )
        return await tx.reply(row)


async def unmute(request: web.Request) -> web.Response:
    entity_id = path_id(request)
    async with write(request) as tx:
        await service.unmute(tx.conn, user_id(request), path_text(request, "entityType"), entity_id)
        return no_content()


async def list_types(request: web.Request) -> web.Response:
    types = types_of(request)
    async with database(request).connection() as conn:
        critical = await service.list_critical(conn, types)
    data = [service.show_type(declared, critical) for declared in types.values()]
    return reply({"data": data, "nextCursor": None})


async def mark_type(request: web.Request, body: dict[str, Any]) -> web.Response:
    types, name = types_of(request), request.match_info["type"]
    async with transaction(request) as tx:
        await service.mark_type(tx.conn, types, user_id(request), name, body["critical"])
        critical = await service.list_critical(tx.conn, types)
        return await tx.reply(service.show_type(types[name], critical))


TAG = "Notifications"
READ = allow("notification:read", whose="your own only")
CHANGE = allow("notification:update", whose="your own only")
ROUTES = [
    get(
        "/notifications/preferences",
        get_preferences,
        "Your notification settings: types, channels and times",
        Preferences(),
        access=READ,
        tag=TAG,
        description="The settings of each type as they take effect, with its defaults. Quiet hours and "
        "digests follow the wall clock of `timezone`.",
    ),
    put(
        "/notifications/preferences",
        set_preferences,
        "Change your notification settings",
        Preferences(),
        body=PreferencesBody(),
        access=CHANGE,
        tag=TAG,
        description="Only settings that you send change; you may send back the whole answer of GET. "
        "Changes apply to new notifications. If `inApp` is off, nothing is sent on other channels "
        "either, and the notification is listed by `GET /notifications/held`. In quiet hours "
        "notifications come with `silent: true`, and mail and push wait until they end. A digest is "
        "one mail with the notifications that are still unread. A time that a change of the clocks "
        "skips lies behind the gap; a time that occurs twice means the second one. Your other "
        "devices get `notification-settings:updated`.",
    ),
    get(
        "/notifications/mutes",
        list_mutes,
        "Your mutes",
        MutePage,
        query=PageQuery(),
        access=READ,
        tag=TAG,
    ),
    put(
        "/notifications/mutes/{entityType}/{id}",
        mute,
        "Mute an entity or a person",
        Mute(),
        body=MuteBody(),
        access=CHANGE,
        errors=(EntityNotFound,),
        tag=TAG,
        description="Mutes a `post` or `comment` with all that belongs to it, or what a `user` does. "
        "Critical notifications still come.",
    ),
    delete(
        "/notifications/mutes/{entityType}/{id}",
        unmute,
        "Remove a mute",
        access=CHANGE,
        tag=TAG,
        description="204 even if it was not muted.",
    ),
    get(
        "/notifications/types",
        list_types,
        "The types of notification",
        NotificationTypePage,
        access=allow("notification:read"),
        tag=TAG,
    ),
    put(
        "/notifications/types/{type}",
        mark_type,
        "Mark a type as critical",
        NotificationType(),
        body=MarkBody(),
        access=allow("role:manage"),
        errors=(TypeNotFound,),
        tag=TAG,
        description="Mutes, preferences and quiet hours do not hold critical notifications. People's own "
        "settings apply again once the mark is removed.",
    ),
]

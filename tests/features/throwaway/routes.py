"""Badges over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.delivery import describe_context
from nexcorp.delivery.effects import WAKE, Job
from nexcorp.security.access import allow
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.paging import LAST_ID, Cursor, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import no_content
from nexcorp.web.routing import delete, get, patch, post
from nexcorp.web.transactions import write
from tests.features.throwaway.errors import BadgeNotFound, ShelfClosed
from tests.features.throwaway.schemas import Badge, BadgePage, BadgeQuery, GiveBadge, MoveBadge
from tests.features.throwaway.statements import sql

BY_NEWEST: Cursor[tuple[UUID]] = Cursor("badges", tuple[UUID], (LAST_ID,), before="id")
POLISH = Job("polish_badges")


async def give_badge(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with write(request) as tx:
        row = await sql.give_badge(
            tx.conn,
            shelf_id=body["shelfId"],
            giver_id=user_id(request),
            holder_id=body["holderId"],
            name=body["name"],
            context=describe_context(),
        )
        if row is None:
            raise ShelfClosed()
        tx.after(WAKE)
        tx.after(POLISH)
        return await tx.reply(row, 201)


async def move_badge(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with write(request) as tx:
        row = await sql.move_badge(
            tx.conn,
            badge_id=path_id(request),
            giver_id=user_id(request),
            shelf_id=body.get("shelfId"),
            name=body.get("name"),
            context=describe_context(),
        )
        if row is None:
            raise BadgeNotFound()
        tx.after(WAKE)
        return await tx.reply(row)


async def remove_badge(request: web.Request) -> web.Response:
    async with write(request) as tx:
        given: dict[str, Any] = {"badge_id": path_id(request), "giver_id": user_id(request)}
        if not await sql.remove_badge(tx.conn, **given, context=describe_context()):
            raise BadgeNotFound()
        tx.after(WAKE)
        return no_content()


async def list_badges(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        rows = await BY_NEWEST.fetch(
            request, conn, query, sql.list_badges, shelf_id=query["shelfId"], viewer_id=user_id(request)
        )
    return reply_page(request, rows, query["limit"], BY_NEWEST)


TAG = "Badges"
GIVE = allow("badge:give")
ROUTES = [
    post(
        "/badges",
        give_badge,
        "Give a badge",
        Badge(),
        body=GiveBadge(),
        access=GIVE,
        errors=(ShelfClosed,),
        tag=TAG,
    ),
    get(
        "/badges",
        list_badges,
        "Badges on a shelf, the newest first",
        BadgePage,
        query=BadgeQuery(),
        access=allow("badge:read"),
        tag=TAG,
    ),
    patch(
        "/badges/{id}",
        move_badge,
        "Move or rename a badge",
        Badge(),
        body=MoveBadge(),
        access=GIVE,
        errors=(BadgeNotFound,),
        tag=TAG,
    ),
    delete("/badges/{id}", remove_badge, "Take a badge back", access=GIVE, errors=(BadgeNotFound,), tag=TAG),
]

"""Read marks, receipts, notification settings and blocks over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import UserNotFound
from nexcorp.features.messaging import service
from nexcorp.features.messaging.access import CREATE, OWN, READ, TAG
from nexcorp.features.messaging.errors import ConversationNotFound, MessageNotFound
from nexcorp.features.messaging.schemas import (
    BlockState,
    ConversationSettings,
    Mark,
    Marks,
    ReceiptPage,
    ReceiptQuery,
    SetConversationSettings,
)
from nexcorp.security.app_keys import database, user_id
from nexcorp.web.paging import FIRST_ID, Cursor, reply_page
from nexcorp.web.parsing import path_id
from nexcorp.web.replies import reply
from nexcorp.web.routing import delete, get, put
from nexcorp.web.transactions import write

BY_PERSON: Cursor[tuple[UUID]] = Cursor("receipts", tuple[UUID], (FIRST_ID,), after="_userId")


async def set_mark(request: web.Request, body: dict[str, Any], *, read: bool) -> web.Response:
    """Move the caller's mark for read messages, or else for delivered ones."""
    async with write(request) as tx:
        row = await service.mark(tx.conn, user_id(request), path_id(request), body["n"], read=read)
    return reply(row)


async def mark_read(request: web.Request, body: dict[str, Any]) -> web.Response:
    return await set_mark(request, body, read=True)


async def mark_delivered(request: web.Request, body: dict[str, Any]) -> web.Response:
    return await set_mark(request, body, read=False)


async def list_receipts(request: web.Request, query: dict[str, Any]) -> web.Response:
    conversation_id = path_id(request)
    async with database(request).connection() as conn:
        await service.get_conversation(conn, user_id(request), conversation_id)
        message = await sql.messages.get_author(conn, conversation_id=conversation_id, n=query["n"])
        if message is None:
            raise MessageNotFound()
        asked = {"conversation_id": conversation_id, "n": query["n"], "author_id": message["authorId"]}
        counts = await sql.conversations.count_receipts(conn, **asked)
        rows = await BY_PERSON.fetch(request, conn, query, sql.conversations.list_receipts, **asked)
    return reply_page(request, rows, query["limit"], BY_PERSON, **counts)


async def save_settings(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with write(request) as tx:
        return reply(await service.save_settings(tx.conn, user_id(request), path_id(request), body))


async def get_block(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        row = await sql.conversations.get_block(conn, user_id=user_id(request), blocked_id=path_id(request))
    if row is None:
        raise UserNotFound()
    return reply(row)


async def block(request: web.Request) -> web.Response:
    async with write(request) as tx:
        return reply(await service.set_block(tx.conn, user_id(request), path_id(request), blocked=True))


async def unblock(request: web.Request) -> web.Response:
    async with write(request) as tx:
        return reply(await service.set_block(tx.conn, user_id(request), path_id(request), blocked=False))


ROUTES = [
    put(
        "/conversations/{id}/read",
        mark_read,
        "Mark messages as read up to a number",
        Marks(),
        body=Mark(),
        errors=(ConversationNotFound,),
        access=READ,
        tag=TAG,
        description="The mark only moves forward: a lower number changes nothing. Your other devices see "
        "it at once.",
    ),
    put(
        "/conversations/{id}/delivered",
        mark_delivered,
        "Mark messages as delivered to your device up to a number",
        Marks(),
        body=Mark(),
        errors=(ConversationNotFound,),
        access=READ,
        tag=TAG,
    ),
    get(
        "/conversations/{id}/receipts",
        list_receipts,
        "Members who have received a message, and who have read it",
        ReceiptPage(),
        query=ReceiptQuery(),
        errors=(ConversationNotFound, MessageNotFound),
        access=READ,
        tag=TAG,
        description="Counts active members except the author, so that deactivated people do not keep a "
        "message from being read by all.",
    ),
    put(
        "/conversations/{id}/settings",
        save_settings,
        "Set your notifications for a conversation",
        ConversationSettings(),
        body=SetConversationSettings(),
        errors=(ConversationNotFound,),
        access=READ,
        tag=TAG,
    ),
    get(
        "/users/{id}/block",
        get_block,
        "Check whether you have blocked a person",
        BlockState(),
        errors=(UserNotFound,),
        access=OWN,
        tag=TAG,
    ),
    put(
        "/users/{id}/block",
        block,
        "Block a person",
        BlockState(),
        errors=(UserNotFound,),
        access=CREATE,
        tag=TAG,
        description="Neither of you can write to the other directly, and their messages in groups do not "
        "notify you. They are not told.",
    ),
    delete(
        "/users/{id}/block",
        unblock,
        "Unblock a person",
        BlockState(),
        200,
        errors=(UserNotFound,),
        access=CREATE,
        tag=TAG,
    ),
]

"""Chats over REST; streams.py holds the handlers that stream answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.errors import Invalid, NotConfigured, PreconditionFailed, StaleVersion
from nexcorp.features.ai import service
from nexcorp.features.ai.access import CHAT_ERRORS, OWN, QUESTION_ERRORS, TAG, USE
from nexcorp.features.ai.errors import ChatMessageNotFound, ChatNotFound
from nexcorp.features.ai.schemas import (
    AskQuery,
    AskQuestion,
    Chat,
    ChatMessage,
    ChatMessagePage,
    ChatPage,
    ChatQuery,
    CreateChat,
    Exchange,
    PathQuery,
    StreamQuery,
    UpdateChat,
)
from nexcorp.features.ai.streams import (
    ask_question,
    lingers,
    regenerate_answer,
    stream_answer,
)
from nexcorp.security.app_keys import CONFIG, caller, database
from nexcorp.web.paging import LAST_ID, LAST_TIME, Cursor, cut_page, reply_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply, reply_row
from nexcorp.web.routing import API_PREFIX, Route, delete, get, patch, post
from nexcorp.web.streams import EVENT_STREAM
from nexcorp.web.transactions import transaction

LATEST: Cursor[tuple[datetime, UUID]] = Cursor(
    "ai-chats", tuple[datetime, UUID], (LAST_TIME, LAST_ID), before_time="updatedAt", before="id"
)
UPWARDS: Cursor[tuple[UUID]] = Cursor("ai-messages", tuple[UUID], (LAST_ID,), before="id")


async def create_chat(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        row = await service.create_chat(tx.conn, caller(request), request.app[CONFIG], body)
        location = f"{API_PREFIX}/ai/chats/{row['id']}"
        return await tx.reply(row, 201, location=location, version=row["version"])


async def list_chats(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        rows = await LATEST.fetch(
            request,
            conn,
            query,
            sql.ai_chats.list_chats,
            owner_id=caller(request).id,
            project_id=query.get("project"),
            reads=caller(request).may(service.READ),
            manages=caller(request).may(service.MANAGE),
        )
    return reply_page(request, rows, query["limit"], LATEST)


async def get_chat(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await service.get_chat(conn, caller(request), path_id(request)))


async def update_chat(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        row = await service.update_chat(
            tx.conn, caller(request), request.app[CONFIG], path_id(request), body, versions, by_etag
        )
        return await tx.reply(row, version=row["version"])


async def delete_chat(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await service.delete_chat(tx.conn, caller(request), request.app[CONFIG], path_id(request), versions)
    return no_content()


async def list_chat_messages(request: web.Request, query: dict[str, Any]) -> web.Response:
    """Read from the leaf up, so that a page holds the newest; return it oldest first."""
    async with database(request).connection() as conn:
        chat = await service.get_chat(conn, caller(request), path_id(request))
        leaf_id = query.get("leaf", chat["leafId"])
        rows = await UPWARDS.fetch(
            request, conn, query, sql.ai_chats.list_path, chat_id=chat["id"], leaf_id=leaf_id
        )
    if "leaf" in query and not rows and "cursor" not in query:
        raise Invalid(errors={"leaf": ["Is no message of this chat."]})
    page, next_cursor = cut_page(request, rows, query["limit"], UPWARDS)
    return reply({"data": page[::-1], "nextCursor": next_cursor})


async def cancel_answer(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        row = await service.cancel(tx.conn, caller(request), path_id(request), path_id(request, "messageId"))
        return await tx.reply(row, 202)


ROUTES = [
    post(
        "/ai/chats",
        create_chat,
        "Begin a chat with the language model",
        Chat(),
        body=CreateChat(),
        access=USE,
        tag=TAG,
        description="Only its owner sees a chat; administrators do not see it either.",
    ),
    get(
        "/ai/chats",
        list_chats,
        "Your chats, the last written to first",
        ChatPage,
        query=ChatQuery(),
        access=USE,
        tag=TAG,
    ),
    get("/ai/chats/{id}", get_chat, "One chat", Chat(), errors=(ChatNotFound,), access=OWN, tag=TAG),
    patch(
        "/ai/chats/{id}",
        update_chat,
        "Change a chat",
        Chat(),
        body=UpdateChat(),
        errors=(ChatNotFound, StaleVersion, PreconditionFailed),
        access=OWN,
        tag=TAG,
    ),
    delete(
        "/ai/chats/{id}",
        delete_chat,
        "Delete a chat for good",
        errors=(ChatNotFound, PreconditionFailed),
        access=OWN,
        tag=TAG,
    ),
    get(
        "/ai/chats/{id}/messages",
        list_chat_messages,
        "A branch of a chat, up to its leaf",
        ChatMessagePage,
        query=PathQuery(),
        errors=(ChatNotFound,),
        access=OWN,
        tag=TAG,
        description="Oldest first; `nextCursor` leads to earlier messages. `siblings` are the other "
        "branches: send one of them, or a message after it, as `leaf`.",
    ),
    post(
        "/ai/chats/{id}/messages",
        ask_question,
        "Ask a question",
        Exchange(),
        body=AskQuestion(),
        query=AskQuery(),
        errors=(*CHAT_ERRORS, *QUESTION_ERRORS),
        access=OWN,
        tag=TAG,
        lingers=lingers,
        description="A worker writes the answer, whether the client stays or not. With `Accept: "
        "text/event-stream` it comes as events: `created` with the body of a 201, then those of "
        "`/stream`.",
    ),
    post(
        "/ai/chats/{id}/messages/{messageId}/regenerate",
        regenerate_answer,
        "Answer a question once more",
        Exchange(),
        query=AskQuery(),
        errors=(*CHAT_ERRORS, ChatMessageNotFound, NotConfigured),
        access=OWN,
        tag=TAG,
        lingers=lingers,
        description="The new answer is a sibling of the answer `messageId`. All else is as for asking a "
        "question.",
    ),
    post(
        "/ai/chats/{id}/messages/{messageId}/cancel",
        cancel_answer,
        "Cancel an answer",
        ChatMessage(),
        202,
        errors=(ChatMessageNotFound,),
        access=OWN,
        tag=TAG,
        description="The part written so far stays. Cancelling an answer that has ended is answered the "
        "same.",
    ),
    Route(
        "GET",
        "/ai/chats/{id}/messages/{messageId}/stream",
        stream_answer,
        "Stream an answer while it is written",
        OWN,
        TAG,
        query=StreamQuery(),
        errors=(ChatMessageNotFound, Invalid),
        returns={200: None},
        content_type=EVENT_STREAM,
        long_lived=True,
        description="Events: `delta` `{offset, text}`, whose id is a position; `restarted` "
        "`{attempt}`: discard the text so far, the answer begins anew; `end` `{status, reason}`, "
        "the last event. If the stream breaks off without `end`, resume it with `Last-Event-ID` or "
        "`after`, so that you miss nothing.",
    ),
]

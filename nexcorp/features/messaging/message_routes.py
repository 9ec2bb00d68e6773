"""Messages over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.domain.searching import searching
from nexcorp.errors import PreconditionFailed
from nexcorp.features.messaging import service, texts
from nexcorp.features.messaging.access import AUTHOR, OWN, REACT, READ, SEE, TAG, WRITE
from nexcorp.features.messaging.errors import (
    Blocked,
    ConversationNotFound,
    MessageIdTaken,
    MessageNotFound,
    NotYourMessage,
    RecipientGone,
    TooManyReactions,
)
from nexcorp.features.messaging.schemas import (
    MAX_NUMBER,
    FoundMessagePage,
    History,
    Message,
    MessageQuery,
    Reactions,
    SearchMessagesQuery,
    SendMessage,
    UpdateMessage,
)
from nexcorp.realtime.node import read_place
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database, user_id
from nexcorp.web.paging import LAST_ID, LAST_TIME, Cursor, Moment, reply_page
from nexcorp.web.parsing import expected_versions, path_id, path_text
from nexcorp.web.replies import no_content, reply, reply_row
from nexcorp.web.routing import Route, delete, get, patch, put
from nexcorp.web.transactions import Transaction, transaction

BY_NUMBER: Cursor[tuple[int]] = Cursor("found-messages", tuple[int], (MAX_NUMBER,), before="n")
BY_TIME: Cursor[Moment] = Cursor(
    "all-found-messages",
    tuple[datetime, UUID],
    (LAST_TIME, LAST_ID),
    before_time="createdAt",
    before="id",
)


def keepable(row: Any) -> dict[str, Any]:
    """Return a message as it is stored for retries: without the excerpt of the message that it replies to.

    That message may be changed or deleted later, and nothing would find the stored excerpt then.
    """
    shown = row_to_dict(row)
    if row["replyTo"] is not None:
        shown["replyTo"] = {**msgspec.json.decode(bytes(row["replyTo"])), "excerpt": None}
    return shown


async def answer(request: web.Request, tx: Transaction, row: Any, status: int = 200) -> web.Response:
    """Respond with a message; a caller without message:read does not get the excerpt that it replies to."""
    if row["replyTo"] is None:
        return await tx.reply(row, status, version=row["version"])
    kept = keepable(row)
    shown = row if caller(request).may(SEE) else kept
    response = await tx.reply(shown, status, version=row["version"])
    await tx.renew(kept)
    return response


async def send_message(request: web.Request, body: dict[str, Any]) -> web.Response:
    conversation_id = path_id(request)
    async with transaction(request, turn=conversation_id) as tx:
        row, made = await texts.send_message(tx.conn, user_id(request), conversation_id, body)
        return await answer(request, tx, row, 201 if made else 200)


async def read_history(conn: Any, conversation_id: UUID, viewer_id: UUID, query: dict[str, Any]) -> list[Any]:
    """Return the page for a MessageQuery, in order."""
    limit: int = query["limit"]
    asked = {"conversation_id": conversation_id, "viewer_id": viewer_id}
    if "after" in query:
        return await sql.messages.list_after(conn, **asked, after=query["after"], most=limit)
    if "around" in query:
        # The message itself is the newest of `older`; with an even limit, one more is older than newer.
        middle = query["around"]
        older = await sql.messages.list_before(conn, **asked, before=middle + 1, most=limit // 2 + 1)
        newer = await sql.messages.list_after(conn, **asked, after=middle, most=(limit - 1) // 2)
        return [*reversed(older), *newer]
    rows = await sql.messages.list_before(conn, **asked, before=query.get("before", MAX_NUMBER), most=limit)
    return rows[::-1]


async def list_messages(request: web.Request, query: dict[str, Any]) -> web.Response:
    conversation_id, viewer_id = path_id(request), user_id(request)
    async with database(request).connection() as conn:
        place = await read_place(request, conn, f"conversation:{conversation_id}")
        conversation = await service.get_conversation(conn, viewer_id, conversation_id)
        rows = await read_history(conn, conversation_id, viewer_id, query)
    # Numbers have no gaps.
    oldest, newest = conversation["minN"], conversation["lastN"]
    if rows:
        older, newer = rows[0]["n"] > oldest, rows[-1]["n"] < newest
    else:
        # All messages that there are lie on the other side of the number.
        older = newest >= oldest and "after" in query
        newer = newest >= oldest and "after" not in query
    return reply({"data": rows, "hasOlder": older, "hasNewer": newer, **place})


async def get_message(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply_row(request, await texts.get_message(conn, user_id(request), path_id(request)))


async def update_message(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        row = await texts.update_message(
            tx.conn, user_id(request), path_id(request), body["body"], versions, by_etag
        )
        return await answer(request, tx, row)


async def delete_message(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await texts.delete_message(tx.conn, user_id(request), path_id(request), versions)
    return no_content()


async def add_reaction(request: web.Request) -> web.Response:
    emoji = texts.check_emoji(path_text(request, "emoji"))
    async with transaction(request) as tx:
        row = await texts.add_reaction(tx.conn, user_id(request), path_id(request), emoji)
        await tx.renew(keepable(row))
    return reply({"reactions": row["reactions"]})


async def remove_reaction(request: web.Request) -> web.Response:
    emoji = texts.check_emoji(path_text(request, "emoji"))
    async with transaction(request) as tx:
        row = await texts.remove_reaction(tx.conn, user_id(request), path_id(request), emoji)
        await tx.renew(keepable(row))
    return reply({"reactions": row["reactions"]})


async def search_messages(request: web.Request, query: dict[str, Any]) -> web.Response:
    viewer_id = user_id(request)
    async with searching(database(request)) as conn:
        await sql.messages.plan_anew(conn)
        asked = dict(await sql.messages.read_search(conn, text=query["q"]))
        if "conversation" not in query:
            rows = await BY_TIME.fetch(
                request, conn, query, sql.messages.search_all, viewer_id=viewer_id, **asked
            )
            return reply_page(request, rows, query["limit"], BY_TIME)
        conversation_id = query["conversation"]
        await service.get_conversation(conn, viewer_id, conversation_id)
        rows = await BY_NUMBER.fetch(
            request,
            conn,
            query,
            sql.messages.search_one,
            conversation_id=conversation_id,
            viewer_id=viewer_id,
            **asked,
        )
    return reply_page(request, rows, query["limit"], BY_NUMBER)


ROUTES = [
    get(
        "/conversations/{id}/messages",
        list_messages,
        "Messages of a conversation, by default the newest",
        History(),
        query=MessageQuery(),
        errors=(ConversationNotFound,),
        access=READ,
        tag=TAG,
    ),
    Route(
        "POST",
        "/conversations/{id}/messages",
        send_message,
        "Send a message",
        WRITE,
        TAG,
        body=SendMessage(),
        returns={200: Message(), 201: Message()},
        errors=(ConversationNotFound, Blocked, RecipientGone, MessageIdTaken),
        description="With an `id` of your own, a random UUID, your list can show the message at once "
        "under its final id, and a retry is answered 200 with the message of the first attempt. All "
        "earlier messages then count as read by you. Members who have not read it ten seconds later "
        "are notified, once until they read again.",
    ),
    # Before /messages/{id}, which would take `search` for an id.
    get(
        "/messages/search",
        search_messages,
        "Search your messages, newest first",
        FoundMessagePage,
        query=SearchMessagesQuery(),
        errors=(ConversationNotFound,),
        access=OWN,
        heavy=True,
        stale=True,
        tag=TAG,
        description="Words are found as by GET /search.",
    ),
    get(
        "/messages/{id}",
        get_message,
        "One message, or the placeholder of a deleted one",
        Message(),
        errors=(MessageNotFound,),
        access=READ,
        tag=TAG,
    ),
    patch(
        "/messages/{id}",
        update_message,
        "Change your message",
        Message(),
        body=UpdateMessage(),
        errors=(MessageNotFound, NotYourMessage, Blocked, RecipientGone),
        access=AUTHOR,
        tag=TAG,
    ),
    delete(
        "/messages/{id}",
        delete_message,
        "Delete a message",
        errors=(MessageNotFound, NotYourMessage, PreconditionFailed),
        access=allow("message:create", whose="the author, and owners of the group"),
        tag=TAG,
        description="A placeholder with its number and author stays; text, files and reactions are deleted.",
    ),
    put(
        "/messages/{id}/reactions/{emoji}",
        add_reaction,
        "React to a message with an emoji",
        Reactions(),
        errors=(MessageNotFound, Blocked, RecipientGone, TooManyReactions),
        access=REACT,
        tag=TAG,
        description=f"A message can have {texts.MAX_REACTIONS} different emoji.",
    ),
    delete(
        "/messages/{id}/reactions/{emoji}",
        remove_reaction,
        "Remove your reaction to a message",
        Reactions(),
        200,
        errors=(MessageNotFound,),
        access=REACT,
        tag=TAG,
    ),
]

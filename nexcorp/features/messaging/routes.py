"""Conversations over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from nexcorp.db import sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.errors import PreconditionFailed, UserNotFound
from nexcorp.features.messaging import service
from nexcorp.features.messaging.access import CREATE, OWN, OWNERS, READ, SEE, TAG
from nexcorp.features.messaging.errors import (
    Blocked,
    ConversationFull,
    ConversationNotFound,
    DirectConversation,
    NotInConversation,
    NotYourConversation,
    OwnerNeeded,
)
from nexcorp.features.messaging.schemas import (
    Conversation,
    ConversationMember,
    ConversationMemberPage,
    ConversationPage,
    OpenConversation,
    SetConversationMember,
    UnreadMessages,
    UpdateConversation,
)
from nexcorp.realtime.node import NODE
from nexcorp.security.access import allow
from nexcorp.security.app_keys import caller, database, user_id
from nexcorp.web.paging import FIRST_ID, LAST_ID, Cursor, PageQuery, cut_page, reply_page
from nexcorp.web.parsing import expected_versions, path_id
from nexcorp.web.replies import no_content, reply, reply_row
from nexcorp.web.routing import API_PREFIX, Route, delete, get, patch, put
from nexcorp.web.transactions import Transaction, transaction

NEWEST: Cursor[tuple[UUID]] = Cursor("conversations", tuple[UUID], (LAST_ID,), before="_position")
BY_PERSON: Cursor[tuple[UUID]] = Cursor("conversation-members", tuple[UUID], (FIRST_ID,), after="_userId")


def show(request: web.Request, row: Any) -> dict[str, Any]:
    """Return a conversation with the epoch of its `seq`."""
    return {**row_to_dict(row), "epoch": request.app[NODE].positions.epoch}


async def answer(
    request: web.Request, tx: Transaction, row: Any, status: int = 200, location: str | None = None
) -> web.Response:
    """Respond with a conversation. The answer stored for retries omits the newest message, which may be
    changed or deleted later; callers without message:read do not get it either."""
    shown = show(request, row)
    if row["lastMessage"] is None:
        return await tx.reply(shown, status, location=location, version=row["version"])
    kept = {**shown, "lastMessage": None}
    seen = shown if caller(request).may(SEE) else kept
    response = await tx.reply(seen, status, location=location, version=row["version"])
    await tx.renew(kept)
    return response


async def open_conversation(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        if "userId" in body:
            row, made = await service.open_direct(tx.conn, user_id(request), body["userId"])
        else:
            people = body.get("userIds", [])
            row, made = await service.create_group(tx.conn, user_id(request), body["title"], people), True
        location = f"{API_PREFIX}/conversations/{row['id']}"
        return await answer(request, tx, row, 201 if made else 200, location)


async def list_conversations(request: web.Request, query: dict[str, Any]) -> web.Response:
    async with database(request).connection() as conn:
        rows = await NEWEST.fetch(
            request, conn, query, sql.conversations.list_conversations, viewer_id=user_id(request)
        )
    page, cursor = cut_page(request, rows, query["limit"], NEWEST)
    return reply({"data": [show(request, row) for row in page], "nextCursor": cursor})


async def count_unread(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        return reply(await sql.conversations.count_unread(conn, viewer_id=user_id(request)))


async def get_conversation(request: web.Request) -> web.Response:
    async with database(request).connection() as conn:
        row = await service.get_conversation(conn, user_id(request), path_id(request))
    return reply_row(request, show(request, row))


async def update_conversation(request: web.Request, body: dict[str, Any]) -> web.Response:
    versions, by_etag = expected_versions(request, body)
    async with transaction(request) as tx:
        row = await service.update_conversation(
            tx.conn, user_id(request), path_id(request), body["title"], versions, by_etag
        )
        return await answer(request, tx, row)


async def delete_conversation(request: web.Request) -> web.Response:
    versions, _ = expected_versions(request, {})
    async with transaction(request) as tx:
        await service.end_conversation(tx.conn, user_id(request), path_id(request), versions)
    return no_content()


async def list_conversation_members(request: web.Request, query: dict[str, Any]) -> web.Response:
    conversation_id = path_id(request)
    async with database(request).connection() as conn:
        await service.get_conversation(conn, user_id(request), conversation_id)
        rows = await BY_PERSON.fetch(
            request, conn, query, sql.conversations.list_members, conversation_id=conversation_id
        )
    return reply_page(request, rows, query["limit"], BY_PERSON)


async def put_conversation_member(request: web.Request, body: dict[str, Any]) -> web.Response:
    async with transaction(request) as tx:
        row = await service.set_member(
            tx.conn, user_id(request), path_id(request), path_id(request, "userId"), body["role"]
        )
    return reply(row)


async def delete_conversation_member(request: web.Request) -> web.Response:
    async with transaction(request) as tx:
        await service.remove_member(tx.conn, user_id(request), path_id(request), path_id(request, "userId"))
    return no_content()


ROUTES = [
    Route(
        "POST",
        "/conversations",
        open_conversation,
        "Open a conversation",
        CREATE,
        TAG,
        returns={200: Conversation(), 201: Conversation()},
        body=OpenConversation(),
        errors=(UserNotFound, Blocked),
        description="With `userId`: your direct conversation with this person, 200 if it exists already. "
        "With `title` and `userIds`: a new group.",
    ),
    get(
        "/conversations",
        list_conversations,
        "Your conversations, the one with the newest message first",
        ConversationPage,
        query=PageQuery(),
        access=OWN,
        tag=TAG,
    ),
    # Before /conversations/{id}, which would take `unread` for an id.
    get(
        "/conversations/unread",
        count_unread,
        "Numbers of your unread messages and conversations",
        UnreadMessages(),
        access=OWN,
        tag=TAG,
        description="Muted conversations do not count.",
    ),
    get(
        "/conversations/{id}",
        get_conversation,
        "One conversation",
        Conversation(),
        errors=(ConversationNotFound,),
        access=READ,
        tag=TAG,
    ),
    patch(
        "/conversations/{id}",
        update_conversation,
        "Rename a group",
        Conversation(),
        body=UpdateConversation(),
        errors=(ConversationNotFound, DirectConversation, NotYourConversation),
        access=OWNERS,
        tag=TAG,
    ),
    delete(
        "/conversations/{id}",
        delete_conversation,
        "Delete a group for all its members, or your notes",
        errors=(ConversationNotFound, DirectConversation, NotYourConversation, PreconditionFailed),
        access=allow("message:create", whose="owners of the group"),
        tag=TAG,
        description="Its messages and files are deleted with it, for good.",
    ),
    get(
        "/conversations/{id}/members",
        list_conversation_members,
        "Members of a conversation, in the order in which they joined the company",
        ConversationMemberPage,
        query=PageQuery(),
        errors=(ConversationNotFound,),
        access=READ,
        tag=TAG,
    ),
    put(
        "/conversations/{id}/members/{userId}",
        put_conversation_member,
        "Add a person to a group, or change a member's role",
        ConversationMember(),
        body=SetConversationMember(),
        errors=(
            ConversationNotFound,
            DirectConversation,
            NotYourConversation,
            UserNotFound,
            Blocked,
            OwnerNeeded,
            ConversationFull,
        ),
        access=allow("message:create", also=SEE, whose="any member may add people; only owners give roles"),
        tag=TAG,
        description="A new member sees the earlier messages, which count as read.",
    ),
    delete(
        "/conversations/{id}/members/{userId}",
        delete_conversation_member,
        "Remove a member from a group, or leave it",
        errors=(ConversationNotFound, DirectConversation, NotYourConversation, NotInConversation),
        access=allow("message:create", whose="any member may leave; only owners remove others"),
        tag=TAG,
        description="If the last owner leaves, the first to join becomes owner. The member's sockets "
        "leave the room at once, or within five seconds while Redis is away.",
    ),
]

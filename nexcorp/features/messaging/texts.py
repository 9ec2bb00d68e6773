"""The rules of messages: who may write, change and delete them, and react."""

from __future__ import annotations

import unicodedata
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context, emit
from nexcorp.delivery.effects import WAKE
from nexcorp.domain.attachments import check_taken
from nexcorp.domain.mentions import find_mentions
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import Invalid, on_constraint
from nexcorp.features.messaging.errors import (
    ConversationNotFound,
    MessageIdTaken,
    MessageNotFound,
    NotYourMessage,
    TooManyReactions,
    check_refusal,
)
from nexcorp.features.messaging.live import Say
from nexcorp.features.messaging.service import drop_notice

MAX_REACTIONS = 20
MAX_EMOJI_CHARS = 32
# The most notifications of a deleted message that are taken back.
MAX_FORGOTTEN = 50
# Unicode categories of symbols, skin tones, joiners, variation selectors and tags; characters of keycaps.
EMOJI_PARTS = ("So", "Sk", "Sm", "Cf", "Mn", "Me", "Cn")
KEYS = frozenset("0123456789#*\u203c\u2049")
KEYCAP = "\u20e3"


def check_emoji(text: str) -> str:
    """Return an emoji in NFC; raises Invalid for any other text."""
    found = unicodedata.normalize("NFC", text)
    categories = [unicodedata.category(char) for char in found]
    parts = all(kind in EMOJI_PARTS or char in KEYS for kind, char in zip(categories, found, strict=True))
    shows = any(
        kind in ("So", "Sm", "Cn") or char in "\u203c\u2049"
        for kind, char in zip(categories, found, strict=True)
    )
    if not (parts and (shows or KEYCAP in found) and len(found) <= MAX_EMOJI_CHARS):
        raise Invalid(errors={"emoji": ["Is no emoji."]})
    return found


async def get_message(conn: Any, viewer_id: UUID, message_id: UUID) -> Any:
    """Return a message, deleted or not, of a conversation that the viewer is in; raises MessageNotFound."""
    row = await sql.messages.get_message(conn, message_id=message_id, viewer_id=viewer_id)
    if row is None:
        raise MessageNotFound()
    return row


async def send_message(
    conn: Any, author_id: UUID, conversation_id: UUID, data: dict[str, Any]
) -> tuple[Any, bool]:
    """Send a message; returns it, and whether it is new: a retry with the id of a message that the author has
    sent to the conversation returns that message as it is.

    Raises ConversationNotFound, Blocked, RecipientGone, MessageIdTaken, and Invalid for a `replyToId` of no
    message of the conversation, or for files that are not free.
    """
    # Lock in a statement of its own: the next one then sees the messages of earlier transactions.
    await sql.conversations.lock_conversation(conn, conversation_id=conversation_id)
    with on_constraint("messages_pkey", MessageIdTaken()):
        sent = await sql.messages.send_message(
            conn,
            message_id=data.get("id"),
            conversation_id=conversation_id,
            author_id=author_id,
            body=data["body"],
            reply_to_id=data["replyToId"],
            usernames=find_mentions(data["body"]),
            context=describe_context(),
        )
    if sent is None:
        raise ConversationNotFound()
    if sent["isKnown"]:
        row = await sql.messages.get_message(conn, message_id=data["id"], viewer_id=author_id)
        if row is None or (row["_authorId"], row["conversationId"]) != (author_id, conversation_id):
            raise MessageIdTaken()
        # The first attempt may have failed between its commit and this effect.
        conn.after(Say("activity", conversation_id, by=author_id, n=row["n"]))
        return row, False
    check_refusal(sent["refusal"])
    if not sent["isAnswerable"]:
        raise Invalid(errors={"replyToId": ["Is no message of this conversation."]})
    ids = data["uploadIds"]
    if ids:
        taken = await sql.uploads.attach_to_message(
            conn, message_id=sent["id"], owner_id=author_id, upload_ids=ids
        )
        check_taken(ids, {row["id"] for row in taken})
    await drop_notice(conn, author_id, conversation_id, sent["toldN"])
    conn.after(WAKE)
    conn.after(Say("activity", conversation_id, by=author_id, n=sent["n"]))
    return await get_message(conn, author_id, sent["id"]), True


async def lock_message(conn: Any, viewer_id: UUID, message_id: UUID) -> Any:
    """Lock and return a message that is not deleted; raises MessageNotFound."""
    await sql.messages.lock_message(conn, message_id=message_id)
    row = await get_message(conn, viewer_id, message_id)
    if row["deleted"]:
        raise MessageNotFound()
    return row


async def check_writable(conn: Any, row: Any, writer_id: UUID) -> None:
    """Raise Blocked or RecipientGone if the member may not write in the conversation of a message."""
    check_refusal(
        await sql.messages.find_refusal(conn, conversation_id=row["conversationId"], writer_id=writer_id)
    )


async def tell(conn: Any, event: str, row: Any, actor_id: UUID | None, **payload: Any) -> None:
    """Emit an event of a message, in order with the other events of the conversation."""
    await emit(
        conn,
        event,
        actor_id=actor_id,
        entity=("message", row["id"]),
        payload={"conversationId": row["conversationId"], "n": row["n"], **payload},
        root=row["conversationId"],
    )


async def update_message(
    conn: Any, user_id: UUID, message_id: UUID, body: str, versions: Versions | None, by_etag: bool
) -> Any:
    """Change the text of the user's own message; returns it.

    Raises MessageNotFound, NotYourMessage, Blocked, RecipientGone, Invalid if neither text nor file would be
    left, and StaleVersion or PreconditionFailed.
    """
    row = await lock_message(conn, user_id, message_id)
    if row["_authorId"] != user_id:
        raise NotYourMessage()
    check_version(row, versions, by_etag=by_etag)
    if body == row["body"]:
        return row
    await check_writable(conn, row, user_id)
    if not body and bytes(row["uploads"]) == b"[]":
        raise Invalid(errors={"body": ["A message needs a text or a file."]})
    await sql.messages.update_message(conn, message_id=message_id, body=body)
    await tell(conn, "message.updated", row, user_id, version=row["version"] + 1, fields=["body"])
    return await get_message(conn, user_id, message_id)


async def delete_message(conn: Any, user_id: UUID, message_id: UUID, versions: Versions | None) -> None:
    """Delete a message, as its author, or an owner of the group; its number stays.

    Raises MessageNotFound, NotYourMessage, PreconditionFailed.
    """
    row = await lock_message(conn, user_id, message_id)
    if row["_authorId"] != user_id and not row["_owns"]:
        raise NotYourMessage()
    check_version(row, versions)
    await sql.uploads.take_off_message(conn, message_id=message_id)
    newest = await sql.messages.delete_message(conn, message_id=message_id)
    # Mark the notifications of members who have nothing left to read here as read.
    place = row["conversationId"]
    for told in await sql.conversations.forget_told(
        conn, conversation_id=place, n=row["n"], most=MAX_FORGOTTEN
    ):
        await drop_notice(conn, told["user_id"], place, told["toldN"])
    await tell(conn, "message.deleted", row, user_id, version=row["version"] + 1)
    # Nothing is new, but members who had not read it have one unread message less.
    conn.after(Say("activity", row["conversationId"], by=user_id, n=newest))


async def show_message(conn: Any, message_id: UUID, viewer_id: UUID) -> None:
    """Show a message as it is now to its room, after its uploads have changed."""
    row = await sql.messages.get_message(conn, message_id=message_id, viewer_id=viewer_id)
    if row is not None:
        await tell(conn, "message.updated", row, None, version=row["version"], fields=["uploads"])


async def add_reaction(conn: Any, user_id: UUID, message_id: UUID, emoji: str) -> Any:
    """React to a message with an emoji, at most once; returns the message.

    Raises MessageNotFound, Blocked, RecipientGone, TooManyReactions.
    """
    row = await lock_message(conn, user_id, message_id)
    await check_writable(conn, row, user_id)
    added = await sql.messages.add_reaction(
        conn, message_id=message_id, user_id=user_id, emoji=emoji, most=MAX_REACTIONS
    )
    if added is None or added["isFull"]:
        raise TooManyReactions()
    if added["isNew"]:
        await tell(conn, "message.reaction_added", row, user_id, emoji=emoji)
    return await get_message(conn, user_id, message_id)


async def remove_reaction(conn: Any, user_id: UUID, message_id: UUID, emoji: str) -> Any:
    """Remove the user's emoji from a message; returns the message. Raises MessageNotFound."""
    row = await lock_message(conn, user_id, message_id)
    if await sql.messages.remove_reaction(conn, message_id=message_id, user_id=user_id, emoji=emoji):
        await tell(conn, "message.reaction_removed", row, user_id, emoji=emoji)
    return await get_message(conn, user_id, message_id)

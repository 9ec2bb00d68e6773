"""Socket commands of conversations, and the frames that are not stored and have no number."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.errors import PermissionRequired
from nexcorp.features.messaging.errors import TYPING_ERRORS, ConversationNotFound, check_refusal
from nexcorp.features.messaging.live import Conversations, Say, room_of
from nexcorp.manifest import SocketCommand
from nexcorp.realtime.commands import Client
from nexcorp.realtime.errors import RoomNotFound
from nexcorp.realtime.node import Node
from nexcorp.realtime.rooms import read_id
from nexcorp.realtime.shapes import ID, WHOLE, CommandDoc, FrameDoc, closed

WRITE = "message:create"


def find_conversations(node: Node) -> Conversations:
    """Return the Conversations of a node."""
    return next(one for one in node.companions if isinstance(one, Conversations))


async def type_message(client: Client, data: dict[str, Any], frame_id: Any) -> None:
    """Show the others in a conversation's room, which the socket must be in, that the user is typing.

    Clients repeat the command every few seconds while the user types; more often it is ignored.
    """
    node, socket = client.node, client.socket
    conversation_id: UUID = read_id(str(data.get("conversationId")))
    if node.hub.find_member(socket, room_of(conversation_id)) is None:
        raise RoomNotFound()
    if not node.rooms.has(socket.principal, WRITE):
        raise PermissionRequired(WRITE)
    live = find_conversations(node)
    if not live.may_type(socket):
        return
    async with node.database.connection() as conn:
        found = await sql.conversations.find_writable(
            conn, conversation_id=conversation_id, user_id=socket.user_id
        )
    if found is None:
        raise ConversationNotFound()
    check_refusal(found["refusal"])
    live.say(Say("typing", conversation_id, by=socket.user_id))


COMMANDS = {
    "typing": SocketCommand(
        type_message,
        CommandDoc(
            "Say that you are typing in a conversation whose room you have joined; repeat it every few "
            "seconds while you type.",
            closed({"conversationId": ID}),
            None,
            TYPING_ERRORS,
        ),
    )
}
ANSWERS = {
    "typing": FrameDoc(
        "Somebody is typing in a conversation whose room you have joined. Show it for six seconds.",
        closed({"conversationId": ID, "userId": ID}),
    ),
    "conversation:read": FrameDoc(
        "The numbers up to which a person has read and received messages: you on another device, or, in "
        "conversations of up to 50 members, others in the room. Both numbers only grow.",
        closed({"conversationId": ID, "userId": ID, "readN": WHOLE, "deliveredN": WHOLE}),
    ),
    "conversation:activity": FrameDoc(
        "A new message, by its number and author, in a conversation of yours whose room you have not "
        "joined. If you know the number already, a message was deleted.",
        closed({"id": ID, "n": WHOLE, "by": ID}),
    ),
    "resync": FrameDoc(
        "Fetch your list of conversations again: you were added to one, left one, or frames may have "
        "been lost.",
        closed({"scope": {"const": "conversations"}}),
    ),
}

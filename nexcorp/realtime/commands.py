"""The commands of a client on its socket. Each command is a small front door, like a handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from nexcorp.db import sql
from nexcorp.db.encoding import decode, format_time
from nexcorp.errors import AppError, InternalError, Unauthorized
from nexcorp.realtime import protocol
from nexcorp.realtime.errors import (
    InvalidCommand,
    MalformedFrame,
    MalformedText,
    RoomNotFound,
    RoomRequired,
    TooManyRooms,
    UnknownCommand,
)
from nexcorp.realtime.hub import Member
from nexcorp.realtime.joining import Past, catch_up, enter, go_back
from nexcorp.realtime.node import Node
from nexcorp.realtime.socket import Socket
from nexcorp.realtime.wanted import ROOMS_A_FRAME, Wanted, wanted_room, wanted_rooms
from nexcorp.security.tokens import Principal

log = structlog.get_logger("nexcorp.realtime")

MAX_ID_CHARS = 100
MAX_ROOMS = 200


@dataclass(slots=True)
class Client:
    """One socket with all that its commands need."""

    node: Node
    socket: Socket
    check_token: Callable[[str], Awaitable[Principal]]

    def answer(self, event: str, data: dict[str, Any], frame_id: Any) -> None:
        """Reply to a client's frame, repeating its id where it had one."""
        if frame_id is None:
            self.socket.send(event, data)
        else:
            self.socket.send(event, data, id=frame_id)


async def greet(client: Client, epoch: str | None, seq: int | None) -> None:
    """Send `connected`, then the missed frames of the user's own room, then the current unread count.

    A caller who may not read notifications is connected, but in no room and at position 0.
    """
    node, socket = client.node, client.socket
    who = socket.principal
    room = f"user:{who.user_id}"
    member, past, unread = None, Past(0, False, 0), 0
    async with node.database.connection() as conn:
        if node.rooms.allows(who, room):
            member, past = await enter(node, socket, conn, room, epoch, seq)
            unread = await sql.notifications.get_unread_count(conn, user_id=who.user_id)
        for welcome in node.welcomes:
            await welcome(conn, socket)
    data = {
        "userId": who.user_id,
        "sessionId": who.session_id,
        "epoch": node.positions.epoch,
        "seq": past.seq,
        "recovered": past.recovered,
        "expiresAt": show_expiry(who),
    }
    socket.greeted = True
    socket.send("connected", data)
    if member is None:
        return
    await catch_up(node, socket, room, member, past)
    # An unread count that came live meanwhile is newer, and must stay the last.
    if member.unread is None and node.hub.find_member(socket, room) is member:
        socket.send("unread-count", {"count": unread or 0})


def show_expiry(who: Principal) -> str:
    """Return the time at which the socket closes unless the client sends a newer token."""
    return format_time(datetime.fromtimestamp(who.expires_at, UTC))


async def subscribe(client: Client, data: dict[str, Any], frame_id: Any) -> None:
    """Join one room or several; answer with the position of each, then send the missed frames."""
    if "rooms" in data:
        await subscribe_all(client, wanted_rooms(data), frame_id)
        return
    name = wanted_room(data)
    node, socket = client.node, client.socket
    async with node.database.connection() as conn:
        member, past = await join(client, conn, Wanted(name, data.get("epoch"), data.get("seq")))
    if node.hub.find_member(socket, name) is not member:
        # The socket was taken out of the room while its past was read, and was told so.
        raise RoomNotFound()
    client.answer("subscribed", describe_place(node, name, past), frame_id)
    await catch_up(node, socket, name, member, past)


def describe_place(node: Node, name: str, past: Past) -> dict[str, Any]:
    """Return the answer to joining a room: its position, and whether the client's past was recovered."""
    return {"room": name, "epoch": node.positions.epoch, "seq": past.seq, "recovered": past.recovered}


async def join(client: Client, conn: Any, wanted: Wanted) -> tuple[Member, Past]:
    """Join a room as enter() does; raises TooManyRooms, and what Rooms.check() raises."""
    node, socket = client.node, client.socket
    if len(socket.rooms) >= MAX_ROOMS and wanted.room not in socket.rooms:
        raise TooManyRooms(message=f"A socket may be in at most {MAX_ROOMS} rooms.")
    await node.rooms.check(conn, socket.principal, wanted.room)
    return await enter(node, socket, conn, wanted.room, wanted.epoch, wanted.seq)


async def subscribe_all(client: Client, rooms: Sequence[Wanted], frame_id: Any) -> None:
    """Join several rooms; one answer gives for each its position, or the error that refused it.

    All rooms together recover at most MAX_RECOVERED frames, as many as one; later rooms start at the present.
    """
    node, socket = client.node, client.socket
    if not socket.ws.inbound.charge(len(rooms) // ROOMS_A_FRAME):
        socket.close(protocol.TOO_MANY_MESSAGES, "too many messages")
        return
    before = {wanted.room: node.hub.find_member(socket, wanted.room) for wanted in rooms}
    joined: dict[str, tuple[Member, Past]] = {}
    refused: dict[str, AppError] = {}
    missed = 0
    try:
        async with node.database.connection() as conn:
            for wanted in rooms:
                try:
                    member, past = await join(client, conn, wanted)
                except AppError as error:
                    refused[wanted.room] = error
                    continue
                missed += past.missed
                if missed > protocol.MAX_RECOVERED:
                    past = Past(past.seq, False, past.seq)
                joined[wanted.room] = member, past
    except BaseException:
        for name, (member, _) in joined.items():
            go_back(node, socket, name, member, before[name])
        raise
    for name, (member, _) in joined.items():
        if node.hub.find_member(socket, name) is not member:
            refused[name] = RoomNotFound()

    def describe(name: str) -> dict[str, Any]:
        if name in refused:
            error = refused[name]
            return {"room": name, "error": {"code": error.code, "message": error.message}}
        return describe_place(node, name, joined[name][1])

    client.answer("subscribed", {"rooms": [describe(wanted.room) for wanted in rooms]}, frame_id)
    for name, (member, past) in joined.items():
        await catch_up(node, socket, name, member, past)


async def unsubscribe(client: Client, data: dict[str, Any], frame_id: Any) -> None:
    """Leave a room; the user's own room cannot be left."""
    name = wanted_room(data)
    if name == f"user:{client.socket.user_id}":
        raise RoomRequired()
    client.node.hub.leave(client.socket, name)
    client.answer("unsubscribed", {"room": name}, frame_id)


async def ping(client: Client, data: dict[str, Any], frame_id: Any) -> None:
    """Answer `pong` with the time of the server."""
    client.answer("pong", {"time": format_time(datetime.now(UTC))}, frame_id)


async def authenticate(client: Client, data: dict[str, Any], frame_id: Any) -> None:
    """Replace the socket's token by a newer one; a bad token closes the socket."""
    token = data.get("token")
    try:
        who = await client.check_token(token if isinstance(token, str) else "")
        if who.user_id != client.socket.user_id:
            raise Unauthorized()
    except Unauthorized:
        said = {"code": Unauthorized.code, "message": "The token is not good."}
        client.answer("error", {**said, "closeCode": protocol.BAD_TOKEN}, frame_id)
        client.socket.close(protocol.BAD_TOKEN, "bad token")
        return
    client.socket.renew(who)
    for name in list(client.socket.rooms):
        client.node.check_room(client.socket, name)
    client.answer("authenticated", {"expiresAt": show_expiry(who)}, frame_id)


async def acknowledge(client: Client, data: dict[str, Any], frame_id: Any) -> None:
    """Record that the client has shown a room's frames up to `seq`."""
    name, seq = wanted_room(data), data.get("seq")
    member = client.node.hub.find_member(client.socket, name)
    if member is None:
        raise RoomNotFound()
    if type(seq) is not int or not 0 <= seq <= member.sent:
        raise InvalidCommand(message="seq wants a number that was sent.")
    async with client.node.database.connection() as conn:
        await sql.realtime.record_ack(conn, session_id=client.socket.principal.session_id, room=name, seq=seq)
    if frame_id is not None:
        client.answer("acknowledged", {"room": name, "seq": seq}, frame_id)


Command = Callable[[Client, dict[str, Any], Any], Awaitable[None]]

COMMANDS: dict[str, Command] = {
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
    "subscribe-to-task": subscribe,
    "unsubscribe-from-task": unsubscribe,
    "ping": ping,
    "auth": authenticate,
    "ack": acknowledge,
}


def find_command(node: Node, event: str) -> Command | None:
    """Return the command of this name, of a feature or of COMMANDS; None if there is no command."""
    brought = node.commands.get(event)
    return brought.run if brought is not None else COMMANDS.get(event)


async def obey(client: Client, text: str) -> None:
    """Carry out one frame of a client; a frame that fails is answered with an `error`."""
    frame_id = None
    try:
        try:
            frame = decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise MalformedText() from None
        if not isinstance(frame, dict):
            raise MalformedFrame()
        given = frame.get("id")
        if given is not None and not (isinstance(given, str | int) and len(str(given)) <= MAX_ID_CHARS):
            # Without an answer its sender would wait for ever.
            raise InvalidCommand(message=f"id wants a string or number of at most {MAX_ID_CHARS} characters.")
        frame_id = given
        event, data = frame.get("event"), frame.get("data", {})
        command = find_command(client.node, event) if isinstance(event, str) else None
        if command is None:
            raise UnknownCommand()
        if not isinstance(data, dict):
            raise InvalidCommand(message="data wants an object.")
        await command(client, data, frame_id)
    except AppError as error:
        client.answer("error", {"code": error.code, "message": error.message}, frame_id)
    except Exception:
        log.exception("command crashed")
        client.answer("error", {"code": InternalError.code, "message": InternalError.message}, frame_id)

"""Errors of client frames, after which the client stays connected, and the reasons to close a socket."""

from __future__ import annotations

from typing import ClassVar

from nexcorp.errors import AppError
from nexcorp.realtime import protocol


class CommandError(AppError):
    """The client's frame cannot be carried out. Raise a subclass."""


class MalformedText(CommandError):
    """The frame is not JSON."""

    code, message = "malformed_json", "The frame is not JSON."
    meaning = "The frame is not JSON."


class MalformedFrame(CommandError):
    """The frame is JSON, but not an object."""

    code, message = "malformed_frame", 'A frame is {"event": "...", "data": {...}}.'
    meaning = "The frame is not an object."


class TextOnly(CommandError):
    """The frame is binary."""

    code, message = "text_only", "Frames are JSON text."
    meaning = "The frame is binary."


class UnknownCommand(CommandError):
    """`event` names no command."""

    code, message = "unknown_event", "There is no such command."
    meaning = "The command does not exist."


class InvalidCommand(CommandError):
    """`data` or `id` is invalid; the message says how."""

    code, message = "validation_failed", "Some values are not acceptable."
    meaning = "A member of data, or the id, is missing or wrong."


class RoomNotFound(CommandError):
    """The client may not see the room, or has not joined it."""

    code, message = "room_not_found", "There is no such room."
    meaning = "The room does not exist, you may not see it, or you have not joined it (ack)."


class RoomRequired(CommandError):
    """A client is always in its own room."""

    code, message = "room_required", "You cannot leave your own room."
    meaning = "You cannot leave your own room."


class TooManyRooms(CommandError):
    """The socket is in MAX_ROOMS rooms."""

    code, message = "too_many_rooms", "A socket may be in at most 200 rooms."
    meaning = "The socket is in 200 rooms."


COMMAND_ERRORS: tuple[type[CommandError], ...] = (
    MalformedText,
    MalformedFrame,
    TextOnly,
    UnknownCommand,
    InvalidCommand,
    RoomNotFound,
    RoomRequired,
    TooManyRooms,
)


class SocketEnded(AppError):
    """A reason to close a socket. Not raised: Socket.close() sends the error that has its close code."""

    close_code: ClassVar[int]


class TokenEnded(SocketEnded):
    """The access token has expired, or the user's role changed."""

    code, close_code = "token_expired", protocol.TOKEN_EXPIRED
    meaning = "The token expired, or the role changed (close 4005): come back with a new one."


class Resync(SocketEnded):
    """The client missed too much to be brought up to date."""

    code, close_code = "resync", protocol.RESYNC
    meaning = "Too much was missed (close 4010): come back and fetch the state anew."


class TooManyMessages(SocketEnded):
    """The client sends too many frames."""

    code, close_code = "too_many_messages", protocol.TOO_MANY_MESSAGES
    meaning = "More frames than a client may send (close 4013)."


class SessionEnded(SocketEnded):
    """The session has ended."""

    code, close_code = "session_revoked", protocol.SESSION_REVOKED
    meaning = "The session was ended (close 4503)."


class TooManySockets(SocketEnded):
    """The user has too many sockets."""

    code, close_code = "too_many_sockets", protocol.TOO_MANY_SOCKETS
    meaning = "You have 10 sockets already (close 4504)."


SOCKET_ENDS: tuple[type[SocketEnded], ...] = (
    TokenEnded,
    Resync,
    TooManyMessages,
    SessionEnded,
    TooManySockets,
)
ENDINGS = {kind.close_code: kind for kind in SOCKET_ENDS}

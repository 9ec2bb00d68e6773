"""Errors of frames that the service cannot obey; the client stays connected."""

from __future__ import annotations

from nexcorp.errors import AppError


class CommandError(AppError):
    """The client's frame cannot be obeyed. Raise a child of it."""


class MalformedText(CommandError):
    """The frame is no JSON."""

    code, message = "malformed_json", "The frame is not JSON."
    meaning = "The frame is not JSON."


class MalformedFrame(CommandError):
    """The frame is JSON, but no object."""

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
    """The message says what is wrong with the data or the id."""

    code, message = "validation_failed", "Some values are not acceptable."
    meaning = "A member of data, or the id, is missing or wrong."


class RoomNotFound(CommandError):
    """The client may not be in the room, or is not."""

    code, message = "room_not_found", "There is no such room."
    meaning = "The room does not exist, you may not see it, or you have not joined it (ack)."


class RoomRequired(CommandError):
    """A client is always in its own room."""

    code, message = "room_required", "The own room cannot be left."
    meaning = "You cannot leave your own room."


class TooManyRooms(CommandError):
    """The socket is in MAX_ROOMS rooms."""

    code, message = "too_many_rooms", "A socket may be in 200 rooms."
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

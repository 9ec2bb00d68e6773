"""The rooms that a client names in its commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nexcorp.realtime.errors import InvalidCommand

MAX_ROOM_CHARS = 100
# Rooms in one command. It counts as one more frame for each ROOMS_A_FRAME of them.
MAX_ROOMS_AT_ONCE = 50
ROOMS_A_FRAME = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A room, and the position from which its past is wanted; an invalid one counts as a new client's."""

    room: str
    epoch: Any
    seq: Any


def check_name(name: Any) -> str:
    """Return a valid room name; raises InvalidCommand for anything else."""
    if not isinstance(name, str) or not 0 < len(name) <= MAX_ROOM_CHARS:
        raise InvalidCommand(message="room wants the name of a room.")
    return name


def wanted_room(data: dict[str, Any]) -> str:
    """Return the room that a client names, or that of its `taskId` (old protocol); raises InvalidCommand."""
    name = data.get("room")
    if name is None and "taskId" in data:
        name = f"task:{data['taskId']}"
    return check_name(name)


def wanted_rooms(data: dict[str, Any]) -> list[Wanted]:
    """Return the rooms of a list: names, or objects of `room`, `seq` and `epoch`; `epoch` defaults to data's.

    Raises InvalidCommand.
    """
    rooms = data["rooms"]
    if not isinstance(rooms, list) or not 0 < len(rooms) <= MAX_ROOMS_AT_ONCE or "room" in data:
        raise InvalidCommand(message=f"rooms wants a list of 1 to {MAX_ROOMS_AT_ONCE} rooms, without room.")
    found: dict[str, Wanted] = {}
    for one in rooms:
        named = one if isinstance(one, dict) else {"room": one}
        name = check_name(named.get("room"))
        if name in found:
            raise InvalidCommand(message=f"rooms names {name} twice.")
        found[name] = Wanted(name, named.get("epoch", data.get("epoch")), named.get("seq"))
    return list(found.values())

"""Which rooms a client names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nexcorp.realtime.errors import InvalidCommand

MAX_ROOM_CHARS = 100
# In one command. It counts as one more frame for each ROOMS_A_FRAME of them.
MAX_ROOMS_AT_ONCE = 50
ROOMS_A_FRAME = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A room, and from where its past is wanted; what is no position counts as a new client's."""

    room: str
    epoch: Any
    seq: Any


def check_name(name: Any) -> str:
    """Raises InvalidCommand for what can be no room's name."""
    if not isinstance(name, str) or not 0 < len(name) <= MAX_ROOM_CHARS:
        raise InvalidCommand(message="room wants the name of a room.")
    return name


def wanted_room(data: dict[str, Any]) -> str:
    """The room a client names; the short forms of an older protocol are understood."""
    name = data.get("room")
    if name is None and "taskId" in data:
        name = f"task:{data['taskId']}"
    return check_name(name)


def wanted_rooms(data: dict[str, Any]) -> list[Wanted]:
    """The rooms of a list: names, or objects of `room`, `seq` and `epoch`, by default that beside the list.

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

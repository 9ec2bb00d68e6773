"""Who may join which room. Features bring the rule for their own kind of room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import Statement
from nexcorp.realtime.errors import RoomNotFound
from nexcorp.security.access import Rights
from nexcorp.security.tokens import Principal

MayJoin = Callable[[Any, Principal, UUID], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Gathering:
    """What a room shows whose name is the same for everybody, but not what each sees in it: frames of other
    rooms, to those whom they concern. They have no number and are not kept.

    `source` and `event`: the kind of rooms that they come from, and which of their frames.
    `list_concerned(conn, user_ids, source_ids)` gives rows of `user_id` and `source_id`: which of these users
    are shown what is in which of these rooms. `list_recent(conn, seconds)` gives rows of `source_id`,
    `entity_type` and `entity_id`: of what there were frames in the last so many seconds.
    """

    source: str
    event: str
    list_concerned: Statement
    list_recent: Statement


@dataclass(frozen=True, slots=True)
class Watch:
    """Who may still see rooms of a kind that people may lose sight of.

    `all_with`: the permission whose holders see them all; None: nobody does. `list_watchers(conn, ids,
    user_ids, sees_all)` takes arrays of equal length, and gives rows of `place`, from 1: where the person may
    see the room. `each_time`: they are asked about ahead of every frame. Else whoever takes people out tells
    the nodes, and they are asked about ahead of what was missed, and every few seconds (Guard.clear).
    """

    all_with: str | None
    list_watchers: Statement
    each_time: bool = True


@dataclass(frozen=True, slots=True)
class RoomKind:
    """A kind of room: the permission that REST wants for what its frames show, and who may see which room.

    `may_join` None: there is one room of the kind, whose name is the kind alone, for all with the permission.
    `watch`: whoever is in a room is asked about again whenever it shows something.
    `numbered` False: its frames have no numbers and are not kept; each node writes them by itself (Hub.show).
    """

    permission: str
    may_join: MayJoin | None = None
    gathering: Gathering | None = None
    watch: Watch | None = None
    numbered: bool = True


async def may_join_user(conn: Any, who: Principal, user_id: UUID) -> bool:
    """`user:{id}` is its user's alone."""
    return who.user_id == user_id


# What it shows are notifications.
OWN = RoomKind("notification:read", may_join_user)


class Rooms:
    """The rules by kind of room, the part of its name before the colon."""

    def __init__(self, kinds: Mapping[str, RoomKind], rights: Rights) -> None:
        """Raises ValueError where a feature takes the rooms that everybody is in."""
        if "user" in kinds:
            raise ValueError("there is a room user already")
        self.kinds: dict[str, RoomKind] = {"user": OWN, **kinds}
        self._rights = rights

    def gathers(self, name: str) -> bool:
        """Whether a room has no numbers and no past: it shows what others show, or what a node measures."""
        kind = self.kinds.get(name)
        return kind is not None and (kind.gathering is not None or not kind.numbered)

    def find_watch(self, name: str) -> Watch | None:
        """Who may still see a room; None where nobody loses sight of it."""
        kind = self.kinds.get(name.partition(":")[0])
        return kind.watch if kind is not None else None

    def has(self, who: Principal, permission: str) -> bool:
        """Whether the role and the key's scopes hold a permission, as of now."""
        return self._rights.has(who, permission)

    def allows(self, who: Principal, name: str) -> bool:
        """Whether the role and the key's scopes hold the permission for this kind of room, as of now."""
        kind = self.kinds.get(name.partition(":")[0])
        return kind is not None and self._rights.has(who, kind.permission)

    async def check(self, conn: Any, who: Principal, name: str) -> None:
        """Raises RoomNotFound where there is no such room or `who` may not see it, which are not told apart.

        PermissionRequired where the role, or the scopes of the key, lack the permission for its kind;
        EmailUnverified where an address that is not verified keeps it from its holder.
        """
        word, colon, text = name.partition(":")
        kind = self.kinds.get(word)
        if kind is None or bool(colon) != (kind.may_join is not None):
            raise RoomNotFound()
        seen = self.allows(who, name)
        if kind.may_join is not None:
            room_id = read_id(text)
            seen = seen and await kind.may_join(conn, who, room_id)
        # Again: it may have been taken away while the database was asked.
        if not self.allows(who, name):
            raise self._rights.explain(who, kind.permission)
        if not seen:
            raise RoomNotFound()


def read_id(text: str) -> UUID:
    """The id in the name of a room; raises RoomNotFound."""
    try:
        room_id = UUID(text)
    except ValueError:
        raise RoomNotFound() from None
    # One spelling for one room: UUID() reads others, too.
    if str(room_id) != text:
        raise RoomNotFound()
    return room_id


def list_gatherers(kinds: Mapping[str, RoomKind]) -> dict[str, list[str]]:
    """By kind of room, the rooms that show what is shown in these, too."""
    found: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if kind.gathering is not None:
            found.setdefault(kind.gathering.source, []).append(name)
    return found


async def count_unread(conn: Any, names: Iterable[str]) -> dict[str, int]:
    """The unread count that goes with what a `user:` room sees, by the room's name."""
    users = [UUID(name.partition(":")[2]) for name in names if name.startswith("user:")]
    if not users:
        return {}
    rows = await sql.notifications.list_unread_counts(conn, user_ids=users)
    return {f"user:{row['user_id']}": row["unread"] for row in rows}

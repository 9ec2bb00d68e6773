"""The rules for joining rooms. Each feature brings the rule for its own kind of room."""

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
    """A room that has one name for everybody but shows each user the frames of other rooms that concern them.
    Its frames have no number and are not kept.

    `source` and `event`: the kind of the other rooms, and which of their frames are shown.
    `list_concerned(conn, user_ids, source_ids)` returns a row of `user_id` and `source_id` for each user who
    is shown a source room's frames. `list_recent(conn, seconds)` returns `source_id`, `entity_type` and
    `entity_id` of the frames of the last `seconds`.
    """

    source: str
    event: str
    list_concerned: Statement
    list_recent: Statement


@dataclass(frozen=True, slots=True)
class Watch:
    """The rule for a kind of room whose members may lose access.

    `all_with`: the permission that gives access to all rooms of the kind, or None. `list_watchers(conn, ids,
    user_ids, sees_all)` takes arrays of equal length, and returns rows of `place`, from 1: the pairs where
    the user may see the room. `each_time`: access is checked before every frame. Otherwise the feature
    announces removals, and access is checked before missed frames and every few seconds (Guard.clear).
    """

    all_with: str | None
    list_watchers: Statement
    each_time: bool = True


@dataclass(frozen=True, slots=True)
class RoomKind:
    """A kind of room: the permission that REST requires for the same data, and the rule for each room.

    `may_join` None: the kind has one room, named by the kind alone, for everybody with the permission.
    `watch`: members' access is checked again while they are in a room. `numbered` False: its frames have no
    numbers and are not kept; each node writes its own (Hub.show).
    """

    permission: str
    may_join: MayJoin | None = None
    gathering: Gathering | None = None
    watch: Watch | None = None
    numbered: bool = True


async def may_join_user(conn: Any, who: Principal, user_id: UUID) -> bool:
    """Whether the caller is the user of `user:{id}`."""
    return who.user_id == user_id


# The room shows notifications.
OWN = RoomKind("notification:read", may_join_user)


class Rooms:
    """The rules by kind of room, the part of its name before the colon."""

    def __init__(self, kinds: Mapping[str, RoomKind], rights: Rights) -> None:
        """Raises ValueError if a feature declares the kind `user`, which is built in."""
        if "user" in kinds:
            raise ValueError("there is a room user already")
        self.kinds: dict[str, RoomKind] = {"user": OWN, **kinds}
        self._rights = rights

    def gathers(self, name: str) -> bool:
        """Whether a room has no numbers and no past: it gathers frames, or each node writes its own."""
        kind = self.kinds.get(name)
        return kind is not None and (kind.gathering is not None or not kind.numbered)

    def find_watch(self, name: str) -> Watch | None:
        """Return the rule for losing access to a room, or None if nobody loses it."""
        kind = self.kinds.get(name.partition(":")[0])
        return kind.watch if kind is not None else None

    def has(self, who: Principal, permission: str) -> bool:
        """Whether the caller's role and API key scopes hold a permission now."""
        return self._rights.has(who, permission)

    def allows(self, who: Principal, name: str) -> bool:
        """Whether the caller's role and API key scopes hold the permission for this kind of room now."""
        kind = self.kinds.get(name.partition(":")[0])
        return kind is not None and self._rights.has(who, kind.permission)

    async def check(self, conn: Any, who: Principal, name: str) -> None:
        """Check that `who` may join a room. Raises RoomNotFound if there is no such room or `who` may not see
        it; PermissionRequired if the role or the key's scopes lack the permission for its kind;
        EmailUnverified if only a verified address is missing."""
        word, colon, text = name.partition(":")
        kind = self.kinds.get(word)
        if kind is None or bool(colon) != (kind.may_join is not None):
            raise RoomNotFound()
        seen = self.allows(who, name)
        if kind.may_join is not None:
            room_id = read_id(text)
            seen = seen and await kind.may_join(conn, who, room_id)
        # Again: the permission may have been taken away during the query.
        if not self.allows(who, name):
            raise self._rights.explain(who, kind.permission)
        if not seen:
            raise RoomNotFound()


def read_id(text: str) -> UUID:
    """Return the id in the name of a room; raises RoomNotFound."""
    try:
        room_id = UUID(text)
    except ValueError:
        raise RoomNotFound() from None
    # A room has one spelling: UUID() reads others, too.
    if str(room_id) != text:
        raise RoomNotFound()
    return room_id


def list_gatherers(kinds: Mapping[str, RoomKind]) -> dict[str, list[str]]:
    """Return the gathering rooms by the kind of room that they gather."""
    found: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if kind.gathering is not None:
            found.setdefault(kind.gathering.source, []).append(name)
    return found


async def count_unread(conn: Any, names: Iterable[str]) -> dict[str, int]:
    """Return the unread counts for the `user:` rooms among these names, by room name."""
    users = [UUID(name.partition(":")[2]) for name in names if name.startswith("user:")]
    if not users:
        return {}
    rows = await sql.notifications.list_unread_counts(conn, user_ids=users)
    return {f"user:{row['user_id']}": row["unread"] for row in rows}

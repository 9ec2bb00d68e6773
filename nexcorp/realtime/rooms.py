"""Who may join which room. Features bring the rule for their own kind of room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.errors import PermissionRequired
from nexcorp.realtime.errors import RoomNotFound
from nexcorp.security.access import Rights
from nexcorp.security.tokens import Principal

MayJoin = Callable[[Any, Principal, UUID], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class RoomKind:
    """A kind of room: the permission that REST wants for what its frames show, and who may see which room."""

    permission: str
    may_join: MayJoin


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

    def allows(self, who: Principal, name: str) -> bool:
        """Whether the role and the key's scopes hold the permission for this kind of room, as of now."""
        kind = self.kinds.get(name.partition(":")[0])
        return kind is not None and self._rights.has(who, kind.permission)

    async def check(self, conn: Any, who: Principal, name: str) -> None:
        """Raises RoomNotFound where there is no such room or `who` may not see it, which are not told apart.

        PermissionRequired where the role, or the scopes of the key, lack the permission for its kind.
        """
        word, _, text = name.partition(":")
        kind = self.kinds.get(word)
        try:
            room_id = UUID(text)
        except ValueError:
            raise RoomNotFound() from None
        # One spelling for one room: UUID() reads others, too.
        if kind is None or str(room_id) != text:
            raise RoomNotFound()
        seen = self.allows(who, name) and await kind.may_join(conn, who, room_id)
        # Again: it may have been taken away while the database was asked.
        if not self.allows(who, name):
            raise PermissionRequired(kind.permission)
        if not seen:
            raise RoomNotFound()


async def count_unread(conn: Any, names: Iterable[str]) -> dict[str, int]:
    """The unread count that goes with what a `user:` room sees, by the room's name."""
    users = [UUID(name.partition(":")[2]) for name in names if name.startswith("user:")]
    if not users:
        return {}
    rows = await sql.notifications.list_unread_counts(conn, user_ids=users)
    return {f"user:{row['user_id']}": row["unread"] for row in rows}

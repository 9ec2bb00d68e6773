"""Who may join which room. Features bring the rule for their own kind of room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.security.tokens import Principal

MayJoin = Callable[[Any, Principal, UUID], Awaitable[bool]]


async def may_join_user(conn: Any, who: Principal, user_id: UUID) -> bool:
    """`user:{id}` is its user's alone."""
    return who.user_id == user_id


class Rooms:
    """The rules by kind of room, the part of its name before the colon."""

    def __init__(self, rules: Mapping[str, MayJoin]) -> None:
        """Raises ValueError where a feature takes the rooms that everybody is in."""
        if "user" in rules:
            raise ValueError("there is a room user already")
        self.rules: dict[str, MayJoin] = {"user": may_join_user, **rules}

    async def may_join(self, conn: Any, who: Principal, name: str) -> bool:
        """Whether there is such a room and `who` may see it; the two are not told apart."""
        kind, _, text = name.partition(":")
        rule = self.rules.get(kind)
        try:
            room_id = UUID(text)
        except ValueError:
            return False
        # One spelling for one room: UUID() reads others, too.
        return rule is not None and str(room_id) == text and await rule(conn, who, room_id)


async def count_unread(conn: Any, names: Iterable[str]) -> dict[str, int]:
    """The unread count that goes with what a `user:` room sees, by the room's name."""
    users = [UUID(name.partition(":")[2]) for name in names if name.startswith("user:")]
    if not users:
        return {}
    rows = await sql.notifications.list_unread_counts(conn, user_ids=users)
    return {f"user:{row['user_id']}": row["unread"] for row in rows}

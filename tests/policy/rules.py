"""The form of a row of the written policy, and the statuses that follow from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.policy.world import Person, World

ANYBODY = "anybody"
A_PERSON = "a person"
A_CALLER = "a person, or an API key of any scopes"

Made = Mapping[str, Any]
Maker = Callable[[World, Person], Awaitable[Made]]


async def nothing(world: World, owner: Person) -> Made:
    """Make nothing."""
    return {}


@dataclass(frozen=True)
class Rule:
    """The permission that a route needs, and the status that each actor gets."""

    operation: str
    who: str
    owner: int
    stranger: int | None = None
    manager: int | None = None
    admin: int | None = None
    also: str | None = None
    whose: str | None = None
    otherwise: str | None = None
    make: Maker = nothing
    body: Any = None
    query: str = ""
    key_of: str | None = None
    others: Mapping[str, int] = field(default_factory=dict)
    # Whether a person needs a proof of identity from the last ten minutes; everybody in the world has one.
    fresh: bool = False

    @property
    def holder(self) -> str:
        """The person whose API keys are tried: the owner, unless only admins are allowed."""
        return self.key_of or ("owner" if self.expect_people()["owner"] < 400 else "admin")

    def expect_people(self) -> dict[str, int]:
        """Return the status of each signed-in person."""
        stranger = self.stranger or self.owner
        manager = self.manager or stranger
        return {
            "owner": self.owner,
            "stranger": stranger,
            "manager": manager,
            "admin": self.admin or manager,
        }

    def expect(self) -> dict[str, int]:
        """Return the status of every actor."""
        people = self.expect_people()
        if self.who == ANYBODY:
            rest = dict.fromkeys(
                ("anonymous", "revoked", "deactivated", "key_without", "key_with"), self.owner
            )
        else:
            rest = {"anonymous": 401, "revoked": 401, "deactivated": 401, "key_without": 403}
            rest["key_with"] = 403 if self.who == A_PERSON else people[self.holder]
            if self.who == A_CALLER:
                rest["key_without"] = rest["key_with"]
        return {**people, **rest, **self.others}


@dataclass(frozen=True)
class Room:
    """The people who may join one kind of room; all of them need a session and the permission.

    The permission is the one that REST needs for the same rows.
    """

    kind: str
    permission: str
    make: Callable[[World, Person], Awaitable[Any]] | None
    owner: bool
    stranger: bool
    manager: bool
    admin: bool

    async def name(self, world: World, owner: Person) -> str:
        """Return the name of a room of this kind; creates its row."""
        return self.kind if self.make is None else f"{self.kind}:{await self.make(world, owner)}"

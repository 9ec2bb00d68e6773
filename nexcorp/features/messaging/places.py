"""The conversations of the people with sockets on a node."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql


class Place:
    """A conversation, and its members who have a socket on this node."""

    __slots__ = ("id", "people")

    def __init__(self, conversation_id: UUID) -> None:
        self.id = conversation_id
        self.people: set[UUID] = set()


class Places:
    """All places of a node. Each id and place exists once: there may be half a million pairs of them."""

    def __init__(self) -> None:
        self._places: dict[UUID, Place] = {}
        self._of: dict[UUID, list[Place]] = {}
        # For each load() under way, the conversations that the person has left meanwhile.
        self._loads: dict[UUID, list[set[UUID]]] = {}

    def knows(self, user_id: UUID) -> bool:
        """Return whether a person's conversations have been loaded."""
        return user_id in self._of and user_id not in self._loads

    async def load(self, conn: Any, user_ids: list[UUID]) -> None:
        """Load the conversations of these people, but for those that they leave meanwhile."""
        left: dict[UUID, set[UUID]] = {user_id: set() for user_id in user_ids}
        known = {user_id: user_id for user_id in user_ids}
        for user_id in user_ids:
            self._of.setdefault(user_id, [])
            self._loads.setdefault(user_id, []).append(left[user_id])
        try:
            for row in await sql.conversations.list_memberships(conn, user_ids=user_ids):
                user_id = known[row["user_id"]]
                if row["conversation_id"] not in left[user_id]:
                    self.add(row["conversation_id"], user_id)
        except BaseException:
            for user_id in user_ids:
                self.clear(user_id)
            raise
        finally:
            for user_id in user_ids:
                self._loads[user_id].remove(left[user_id])
                if not self._loads[user_id]:
                    del self._loads[user_id]

    def add(self, conversation_id: UUID, user_id: UUID) -> None:
        """Note that a person is in a conversation; does nothing for a person who is not known here."""
        places = self._of.get(user_id)
        if places is None:
            return
        place = self._places.get(conversation_id)
        if place is None:
            place = self._places[conversation_id] = Place(conversation_id)
        if user_id not in place.people:
            place.people.add(user_id)
            places.append(place)

    def remove(self, conversation_id: UUID, user_id: UUID) -> None:
        """Note that a person is not in a conversation any more."""
        for left in self._loads.get(user_id, ()):
            left.add(conversation_id)
        place = self._places.get(conversation_id)
        if place is not None and user_id in place.people:
            self._of[user_id].remove(place)
            self._drop(place, user_id)

    def clear(self, user_id: UUID) -> None:
        """Forget a person's conversations."""
        for place in self._of.pop(user_id, ()):
            self._drop(place, user_id)

    def _drop(self, place: Place, user_id: UUID) -> None:
        place.people.discard(user_id)
        if not place.people:
            del self._places[place.id]

    def list_people(self, conversation_id: UUID) -> tuple[UUID, ...]:
        """Return the people in a conversation who have a socket on this node."""
        place = self._places.get(conversation_id)
        return tuple(place.people) if place is not None else ()

"""Texts of notifications: the sentences of each type and variant, filled in when they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from nexcorp.db.encoding import show_time
from nexcorp.delivery.events import EventType, Notice, NoticeType

NOBODY = "Somebody"


class Words(dict[str, Any]):
    """Values for a sentence's braces; a value that an older release did not store is empty."""

    def __missing__(self, name: str) -> Any:
        return Unknown()


class Unknown:
    """A value that was not stored; formatted as nothing."""

    def __format__(self, spec: str) -> str:
        return ""


class Count(int):
    """A number with its noun: `{count:task was|tasks were}` is "1 task was" or "3 tasks were"."""

    def __format__(self, spec: str) -> str:
        one, _, several = spec.partition("|")
        return f"{int(self)} {one if self == 1 else several}" if spec else str(int(self))


@dataclass(frozen=True, slots=True)
class Sentence:
    """The texts of one type and variant. `quotes`: the message shows text of the notification's entity."""

    title: str
    message: str
    several: str
    quotes: bool = False


# For a type that an older or newer release knew.
UNKNOWN = Sentence("There is something new.", "", "There is something new.")


class Sentences:
    """The sentences of all features, by (type, variant)."""

    def __init__(self, events: Mapping[str, EventType], types: Mapping[str, NoticeType]) -> None:
        """Raises ValueError if two notices of a variant disagree, a type is not declared, or a word in braces
        has no value."""
        self._known: dict[tuple[str, str], Sentence] = {}
        for event in events.values():
            for notice in event.notices:
                self._add(notice, types)

    def _add(self, notice: Notice, types: Mapping[str, NoticeType]) -> None:
        if notice.type not in types:
            raise ValueError(f"no feature declares the type of notification {notice.type}")
        known = {"actor", "excerpt", "beginning", *notice.params}
        said = notice.title + notice.message + notice.several
        unknown = {name for _, name, _, _ in Formatter().parse(said) if name} - known
        if unknown:
            raise ValueError(f"nothing fills {sorted(unknown)} in the sentences of {notice.type}")
        quotes = "{excerpt}" in notice.message or "{beginning}" in notice.message
        sentence = Sentence(notice.title, notice.message, notice.several or notice.title, quotes)
        if self._known.setdefault((notice.type, notice.variant), sentence) != sentence:
            raise ValueError(f"{notice.type} has two sentences of the variant {notice.variant!r}")

    def show(self, row: Any) -> dict[str, Any]:
        """Return a row of the view notification_lines as its receiver sees it.

        The message is empty if it would quote a text that is gone.
        """
        sentence, words = self._find(row), fill(row)
        excerpt, entity_id = row["_excerpt"], row["_entityId"]
        # Column by column: for a page of rows this costs half of row_to_dict().
        return {
            "id": row["id"],
            "type": row["type"],
            "title": sentence.title.format_map(words),
            "message": "" if sentence.quotes and not excerpt else sentence.message.format_map(words),
            "isRead": row["isRead"],
            "seenAt": show_time(row["seenAt"]),
            "archivedAt": show_time(row["archivedAt"]),
            "snoozedUntil": show_time(row["snoozedUntil"]),
            "position": row["position"],
            "groupId": row["groupId"],
            "group": None,
            "silent": row["silent"],
            "actor": show_actor(row),
            "entity": None if entity_id is None else {"type": row["_entityType"], "id": entity_id},
            "postId": row["postId"],
            "relatedLeadId": row["relatedLeadId"],
            "createdAt": show_time(row["createdAt"]),
            "updatedAt": show_time(row["updatedAt"]),
        }

    def show_item(self, row: Any) -> dict[str, Any]:
        """Return a row of a grouped list: a notification, or the newest of a group with the group's totals.

        `position` is the place of the item in that list.
        """
        shown = self.show(row)
        shown["position"] = row["_place"]
        if row["_groupKey"] is not None and row["_members"] > 1:
            shown["group"] = {
                "id": row["groupId"],
                "key": row["_groupKey"],
                "count": row["_members"],
                "unread": row["_groupUnread"],
                "actors": row["_actors"] or [],
            }
            if row["_people"] is not None and row["_people"] > 1:
                words = fill(row)
                words["actor"] = name_people(row["_names"], row["_people"])
                shown["title"] = self._find(row).several.format_map(words)
        return shown

    def _find(self, row: Any) -> Sentence:
        return self._known.get((row["type"], row["_variant"]), UNKNOWN)


def fill(row: Any) -> Words:
    """Return the values for the braces of a notification's sentences."""
    words = Words(
        (name, Count(value) if type(value) is int else value)
        for name, value in (row["_params"] or {}).items()
    )
    words["actor"], words["excerpt"], words["beginning"] = name_actor(row), row["_excerpt"], row["_beginning"]
    return words


def name_people(names: Sequence[str], people: int) -> str:
    """Return several people's names for a sentence: "Ada and Grace", "Ada and 5 others"."""
    if people == 2:
        return " and ".join(names[:2])
    return f"{names[0]} and {people - 1} others"


def name_actor(row: Any) -> str:
    """Return the actor's name for a sentence: the full name, else the username."""
    names = [name for name in (row["_firstName"], row["_lastName"]) if name is not None]
    return " ".join(names) or row["_username"] or NOBODY


def show_actor(row: Any) -> dict[str, Any] | None:
    """Return the actor as person() in sql/schema/01_people.sql would, which costs PostgreSQL more."""
    if row["_actorId"] is None:
        return None
    return {
        "id": row["_actorId"],
        "username": row["_username"],
        "firstName": row["_firstName"],
        "lastName": row["_lastName"],
        "avatarUrl": row["_avatarUrl"],
    }

"""What a notification says: the sentences of its type and variant, filled in when it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from nexcorp.db.encoding import row_to_dict
from nexcorp.delivery.events import EventType, Notice, NoticeType

NOBODY = "Somebody"
# Of a type that an older or newer release knew.
UNKNOWN = "There is something new."


class Words(dict[str, Any]):
    """What fills a sentence; what was not kept, by a release whose sentence did without, is left out."""

    def __missing__(self, name: str) -> str:
        return ""


class Sentences:
    """The sentences of all features, by (type, variant)."""

    def __init__(self, events: Mapping[str, EventType], types: Mapping[str, NoticeType]) -> None:
        """Raises ValueError where two notices of a variant disagree, a type is not declared, or nothing fills
        a word in braces."""
        self._known: dict[tuple[str, str], tuple[str, str]] = {}
        for event in events.values():
            for notice in event.notices:
                self._add(notice, types)

    def _add(self, notice: Notice, types: Mapping[str, NoticeType]) -> None:
        if notice.type not in types:
            raise ValueError(f"no feature declares the type of notification {notice.type}")
        known = {"actor", "excerpt", "beginning", *notice.params}
        unknown = {name for _, name, _, _ in Formatter().parse(notice.title + notice.message) if name} - known
        if unknown:
            raise ValueError(f"nothing fills {sorted(unknown)} in the sentences of {notice.type}")
        said = notice.title, notice.message
        if self._known.setdefault((notice.type, notice.variant), said) != said:
            raise ValueError(f"{notice.type} has two sentences of the variant {notice.variant!r}")

    def show(self, row: Any) -> dict[str, Any]:
        """A row of the view notification_items as its receiver sees it.

        The message is empty where it would quote what is gone.
        """
        title, message = self._known.get((row["type"], row["_variant"]), (UNKNOWN, ""))
        words = Words(
            {
                **(row["_params"] or {}),
                "actor": row["_actorName"] or NOBODY,
                "excerpt": row["_excerpt"],
                "beginning": row["_beginning"],
            }
        )
        shown = row_to_dict(row)
        entity_id = row["_entityId"]
        shown["entity"] = None if entity_id is None else {"type": row["_entityType"], "id": entity_id}
        shown["title"] = title.format_map(words)
        quotes = "{excerpt}" in message or "{beginning}" in message
        shown["message"] = "" if quotes and not row["_excerpt"] else message.format_map(words)
        return shown

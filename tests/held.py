"""A client's copy of a list of notifications, which lives on frames as AsyncAPI describes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def is_meant(row: dict[str, Any], data: dict[str, Any]) -> bool:
    """Whether a frame for many is about a notification; not where that was shown as it is later."""
    before = data["before"]
    return (
        row["position"] <= data["upTo"]
        and row["updatedAt"] <= data["at"]
        and data.get("groupId", row["groupId"]) == row["groupId"]
        and (before is None or "T" not in before or row["createdAt"] < before)
    )


class Held:
    """What a client fetched, by id; `apply` is all that it does with a frame."""

    def __init__(self, rows: Iterable[dict[str, Any]] = ()) -> None:
        self.rows = {row["id"]: dict(row) for row in rows}

    def apply(self, event: str, data: dict[str, Any], shown: dict[str, Any] | None = None) -> None:
        """One frame; `shown` is its notification where that has another shape than `data`."""
        if event == "notifications:bulk-updated":
            self._change_many(data)
            return
        self.rows.pop(data["id"], None)
        if event != "notification:deleted":
            row = shown or data
            if row["archivedAt"] is None and row["snoozedUntil"] is None:
                self.rows[row["id"]] = dict(row)

    def _change_many(self, data: dict[str, Any]) -> None:
        for name, row in list(self.rows.items()):
            if not is_meant(row, data):
                continue
            if data.get("archived"):
                if row["isRead"] or not data["onlyRead"]:
                    del self.rows[name]
            elif not row["isRead"] and (data.get("isRead") or row["seenAt"] is None):
                row["isRead"] = bool(data.get("isRead"))
                row["seenAt"], row["updatedAt"] = row["seenAt"] or data["at"], data["at"]

    def list(self) -> list[dict[str, Any]]:
        """The list, the newest first."""
        return sorted(self.rows.values(), key=lambda row: row["position"], reverse=True)

    def count_unread(self) -> int:
        """The badge that goes with it."""
        return sum(not row["isRead"] for row in self.rows.values())

    def list_groups(self) -> dict[str, tuple[str, int, int]]:
        """Of each group its newest member, how many are in the list, and how many of these unread."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in self.list():
            if row["groupId"] is not None:
                groups.setdefault(row["groupId"], []).append(row)
        return {
            name: (rows[0]["id"], len(rows), sum(not row["isRead"] for row in rows))
            for name, rows in groups.items()
        }

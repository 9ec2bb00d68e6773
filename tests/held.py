"""A client's copy of a list of notifications, kept up to date by frames as AsyncAPI describes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def is_meant(row: dict[str, Any], data: dict[str, Any]) -> bool:
    """Whether a bulk frame applies to this row; not if the row is already newer than the frame."""
    before = data["before"]
    return (
        row["position"] <= data["upTo"]
        and row["updatedAt"] <= data["at"]
        and data.get("groupId", row["groupId"]) == row["groupId"]
        and (before is None or "T" not in before or row["createdAt"] < before)
    )


class Held:
    """A client's rows by id. `apply` is the only thing it does with a frame."""

    def __init__(self, rows: Iterable[dict[str, Any]] = ()) -> None:
        self.rows = {row["id"]: dict(row) for row in rows}

    def apply(self, event: str, data: dict[str, Any], shown: dict[str, Any] | None = None) -> None:
        """Apply a frame; `shown`: its notification, if `data` has another shape."""
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
        """Return the rows, the newest first."""
        return sorted(self.rows.values(), key=lambda row: row["position"], reverse=True)

    def count_unread(self) -> int:
        """Return the number of unread rows."""
        return sum(not row["isRead"] for row in self.rows.values())

    def list_groups(self) -> dict[str, tuple[str, int, int]]:
        """Return for each group its newest member, its number of rows, and how many of them are unread."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in self.list():
            if row["groupId"] is not None:
                groups.setdefault(row["groupId"], []).append(row)
        return {
            name: (rows[0]["id"], len(rows), sum(not row["isRead"] for row in rows))
            for name, rows in groups.items()
        }

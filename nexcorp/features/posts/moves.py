"""Which way announcements and projects may go: status -> those it can be reached from."""

from __future__ import annotations

ANNOUNCEMENT_MOVES: dict[str, tuple[str, ...]] = {
    "draft": (),
    "published": ("draft", "archived"),
    "archived": ("published",),
}
PROJECT_MOVES: dict[str, tuple[str, ...]] = {
    "open": ("in_progress", "on_hold", "cancelled"),
    "in_progress": ("open", "on_hold", "completed"),
    "on_hold": ("open", "in_progress"),
    "completed": ("in_progress",),
    "cancelled": ("open", "in_progress", "on_hold"),
}
# Nobody takes part in these any more.
OVER = ("completed", "cancelled")
MOVES = {"announcement": ANNOUNCEMENT_MOVES, "project": PROJECT_MOVES}

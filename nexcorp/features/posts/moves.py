"""Status changes of announcements and projects: status -> the statuses that it can follow."""

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
# Statuses of projects that have ended.
OVER = ("completed", "cancelled")
MOVES = {"announcement": ANNOUNCEMENT_MOVES, "project": PROJECT_MOVES}


def ways_from(kind: str, status: str) -> list[str]:
    """Return the statuses that a post of this type can move to."""
    return [to for to, before in MOVES[kind].items() if status in before]


def describe_moves() -> str:
    """Describe all moves for the API documents, in Markdown."""
    lines = [
        f"- {kind}: " + "; ".join(f"{status} -> {', '.join(ways_from(kind, status))}" for status in ways)
        for kind, ways in MOVES.items()
    ]
    return "The legal moves; a move to the current status changes nothing:\n\n" + "\n".join(lines)

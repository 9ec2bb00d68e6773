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


def ways_from(kind: str, status: str) -> list[str]:
    """Where a post of this type may go from a status."""
    return [to for to, before in MOVES[kind].items() if status in before]


def describe_moves() -> str:
    """All ways, for the documents."""
    lines = [
        f"- {kind}: " + "; ".join(f"{status} -> {', '.join(ways_from(kind, status))}" for status in ways)
        for kind, ways in MOVES.items()
    ]
    return "The legal moves; to where a post stands already is one that changes nothing:\n\n" + "\n".join(
        lines
    )

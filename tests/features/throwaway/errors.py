"""What can go wrong with badges."""

from __future__ import annotations

from nexcorp.errors import Conflict, NotFound


class BadgeNotFound(NotFound):
    """There is no badge of this id that the caller has given, or holds."""

    code, message = "badge_not_found", "There is no such badge."
    meaning = "There is no such badge of one's own."


class ShelfClosed(Conflict):
    """Nothing can be put there."""

    code, message = "shelf_closed", "Nothing can be put on this shelf."
    meaning = "There is no such shelf, or it is another person's."

"""The errors of badges."""

from __future__ import annotations

from nexcorp.errors import Conflict, NotFound


class BadgeNotFound(NotFound):
    """The caller has neither given nor got a badge with this id."""

    code, message = "badge_not_found", "There is no such badge."
    meaning = "There is no such badge of one's own."


class ShelfClosed(Conflict):
    """The shelf is closed to the caller, or does not exist."""

    code, message = "shelf_closed", "Nothing can be put on this shelf."
    meaning = "There is no such shelf, or it is another person's."

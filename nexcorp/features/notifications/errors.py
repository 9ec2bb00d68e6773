"""What can go wrong with notifications."""

from __future__ import annotations

from nexcorp.errors import NotFound


class NotificationNotFound(NotFound):
    """There is no notification with this id, or it is another person's."""

    code, message = "notification_not_found", "There is no such notification."
    meaning = "There is no such notification of one's own."

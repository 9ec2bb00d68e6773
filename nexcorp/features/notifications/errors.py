"""Errors of notifications."""

from __future__ import annotations

from nexcorp.errors import NotFound


class GroupNotFound(NotFound):
    """The group of notifications does not exist, or is another user's."""

    code, message = "notification_group_not_found", "There is no such group of notifications."
    meaning = "You have no group of notifications with this id."

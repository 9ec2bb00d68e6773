"""Errors of preferences and mutes."""

from __future__ import annotations

from nexcorp.errors import NotFound


class EntityNotFound(NotFound):
    """The entity to mute does not exist, or the caller may not see it."""

    code, message = "entity_not_found", "There is no such thing to mute."
    meaning = "It does not exist, or you may not see it."


class TypeNotFound(NotFound):
    """No feature declares this type of notification."""

    code, message = "notification_type_not_found", "There is no such type of notification."
    meaning = "No type of notification has this name."

"""What can go wrong with what was given up on."""

from __future__ import annotations

from nexcorp.errors import NotFound


class DeadLetterNotFound(NotFound):
    """No such dead letter."""

    code, message = "dead_letter_not_found", "There is no such dead letter."
    meaning = "There is none with this id: it is queued again already, or never was given up on."

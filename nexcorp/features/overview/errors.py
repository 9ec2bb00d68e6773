"""Errors of dead letters."""

from __future__ import annotations

from nexcorp.errors import NotFound


class DeadLetterNotFound(NotFound):
    """The dead letter does not exist."""

    code, message = "dead_letter_not_found", "There is no such dead letter."
    meaning = "No dead letter has this id: it was queued again already, or was never given up on."

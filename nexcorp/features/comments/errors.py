"""Errors of comments."""

from __future__ import annotations

from nexcorp.errors import Forbidden


class NotYourComment(Forbidden):
    """The comment is another user's; the message says who may do this."""

    code, message = "not_your_comment", "Only the author may change a comment."
    meaning = "Only the author may change it; the route says who else may delete it."

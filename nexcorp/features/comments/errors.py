"""What can go wrong with comments."""

from __future__ import annotations

from nexcorp.errors import Forbidden, NotFound


class CommentNotFound(NotFound):
    """The comment does not exist, or the viewer may not see it."""

    code, message = "comment_not_found", "There is no such comment."
    meaning = "The comment does not exist, or the viewer may not see it."


class NotYourComment(Forbidden):
    """The comment is another user's; the message says who may do this."""

    code, message = "not_your_comment", "Only its author may change a comment."
    meaning = "Only its author may do this; for deleting see the route."

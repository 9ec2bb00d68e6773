"""What can go wrong with comments."""

from __future__ import annotations

from nexcorp.errors import Forbidden, NotFound


class CommentNotFound(NotFound):
    """There is no such comment, not any more, or not for this viewer."""

    code, message = "comment_not_found", "There is no such comment."
    meaning = "There is no such comment, or not for the viewer."


class NotYourComment(Forbidden):
    """The comment is somebody else's; the message says who may do this."""

    code, message = "not_your_comment", "Only its author may change a comment."
    meaning = "Only its author may do this; for deleting see the route."

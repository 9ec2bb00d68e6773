"""What can go wrong with posts."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden


class NotYourPost(Forbidden):
    """The post is somebody else's; the message says who may do this."""

    code, message = "not_your_post", "This post is somebody else's."
    meaning = "Only its author may do this, and holders of the permissions that the route names."


class IllegalMove(Conflict):
    """`errors["status"]` lists the statuses that the post can move to."""

    code, message = "illegal_move", "There is no way from the current status to this one."
    meaning = "No way leads there from the current status; `errors.status` lists where one does."


class NotInterested(Conflict):
    """A project is assigned to one of those who said that they are interested."""

    code, message = "not_interested", "Only somebody who is interested can be assigned."
    meaning = "Only somebody who is interested in the project can be assigned."

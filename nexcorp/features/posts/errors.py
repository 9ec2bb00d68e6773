"""Errors of posts."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden


class NotYourPost(Forbidden):
    """The post is another user's; the message names who may do this."""

    code, message = "not_your_post", "This post is another user's."
    meaning = "Only the post's author, and holders of the permissions that the route names, may do this."


class IllegalMove(Conflict):
    """The post cannot move to this status; `errors["status"]` lists the statuses that it can move to."""

    code, message = "illegal_move", "The status cannot change from the current one to this one."
    meaning = "The status cannot follow the current one; `errors.status` lists those that can."


class NotInterested(Conflict):
    """A project can be assigned only to a person who is interested in it."""

    code, message = "not_interested", "Only people who are interested can be assigned."
    meaning = "Only people who are interested in the project can be assigned to it."

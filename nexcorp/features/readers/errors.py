"""Errors of readers."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden


class ReadersHidden(Forbidden):
    """The viewer may see the post or comment, but not its readers; the message says who may."""

    code, message = "readers_hidden", "Only the author and holders of post:announce see who read this."
    meaning = (
        "Only its author sees who read it; of posts holders of `post:announce`, too, of comments of "
        "`post:moderate`, on tasks of `task:manage`."
    )


class NotAnAnnouncement(Conflict):
    """Only an announcement, which is for everybody, has people who have not read it."""

    code, message = "not_an_announcement", "This post is not an announcement."
    meaning = "The post is not an announcement."

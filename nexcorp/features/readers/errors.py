"""Errors of readers."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden


class ReadersHidden(Forbidden):
    """The viewer may see the post or comment, but not its readers; the message says who may."""

    code, message = "readers_hidden", "Only the author and holders of post:announce see who read this."
    meaning = (
        "Only the author sees the readers, and holders of `post:announce` for a post, of `post:moderate` "
        "for a comment on a post, of `task:manage` for a comment on a task."
    )


class NotAnAnnouncement(Conflict):
    """Only an announcement, which is for everybody, has people who have not read it."""

    code, message = "not_an_announcement", "This post is not an announcement."
    meaning = "The post is not an announcement."

"""What can go wrong with who read what."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden


class ReadersHidden(Forbidden):
    """The viewer may see it, but not who read it; the message says who may."""

    code, message = "readers_hidden", "Only the author and holders of post:announce see who read this."
    meaning = (
        "Only its author sees who read it; of posts holders of `post:announce`, too, of comments of "
        "`post:moderate`, on tasks of `task:manage`."
    )


class NotAnAnnouncement(Conflict):
    """Only announcements are for everybody."""

    code, message = "not_an_announcement", "This post is not an announcement."
    meaning = "The post is not an announcement."

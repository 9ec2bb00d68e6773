"""What can go wrong with following."""

from __future__ import annotations

from nexcorp.errors import Invalid


class CannotFollowSelf(Invalid):
    """Follower and followed are the same."""

    code, message = "cannot_follow_self", "Nobody can follow themselves."
    meaning = "Nobody can follow themselves."

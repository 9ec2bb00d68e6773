"""Errors of following."""

from __future__ import annotations

from nexcorp.errors import Invalid


class CannotFollowSelf(Invalid):
    """The caller would follow themselves."""

    code, message = "cannot_follow_self", "Nobody can follow themselves."
    meaning = "Nobody can follow themselves."

"""What likes and interests answer."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.domain.fields import Out
from nexcorp.domain.shapes import PersonSince, counts_version, live_page_of


class LikeState(Out):
    """Whether one likes a post now, and how many do."""

    liked = fields.Boolean(required=True)
    likeCount = fields.Integer(required=True)
    countsVersion = counts_version()


class InterestState(Out):
    """Whether one is interested in a project now, and how many are."""

    interested = fields.Boolean(required=True)
    interestCount = fields.Integer(required=True)
    countsVersion = counts_version()


ReactionPage = live_page_of(PersonSince, "post:{id}")

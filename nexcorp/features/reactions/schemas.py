"""Schemas of answers about likes and interests."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.domain.fields import Out
from nexcorp.domain.shapes import PersonSince, counts_version, live_page_of


class LikeState(Out):
    """Whether the caller likes a post now, and the number of likes."""

    liked = fields.Boolean(required=True)
    likeCount = fields.Integer(required=True)
    countsVersion = counts_version()


class InterestState(Out):
    """Whether the caller is interested in a project now, and the number of interested people."""

    interested = fields.Boolean(required=True)
    interestCount = fields.Integer(required=True)
    countsVersion = counts_version()


ReactionPage = live_page_of(PersonSince, "post:{id}")

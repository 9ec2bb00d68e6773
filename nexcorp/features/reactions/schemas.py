"""What a like answers."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.web.parsing import Out


class LikeState(Out):
    """Whether one likes a post now, and how many do."""

    liked = fields.Boolean(required=True)
    likeCount = fields.Integer(required=True)

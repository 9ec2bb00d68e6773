"""What following answers."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.domain.fields import Out


class FollowState(Out):
    """Whether one follows somebody now."""

    following = fields.Boolean(required=True)

"""Response schemas of following."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.domain.fields import Out


class FollowState(Out):
    """Whether the caller follows the user now."""

    following = fields.Boolean(required=True)

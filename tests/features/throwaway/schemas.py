"""The request and answer bodies of badges."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.domain.fields import Body, Out, Text
from nexcorp.domain.shapes import page_of
from nexcorp.web.paging import PageQuery


class GiveBadge(Body):
    """A badge for somebody, on a shelf."""

    shelfId = fields.UUID(required=True)
    holderId = fields.UUID(required=True)
    name = Text(least=1, most=100, required=True)


class MoveBadge(Body):
    """Another shelf, or another name."""

    shelfId = fields.UUID()
    name = Text(least=1, most=100)


class BadgeQuery(PageQuery):
    """On which shelf."""

    shelfId = fields.UUID(required=True)


class Badge(Out):
    """A badge that somebody holds."""

    id = fields.UUID(required=True)
    shelfId = fields.UUID(required=True)
    holderId = fields.UUID(required=True)
    name = fields.String(required=True)
    thanked = fields.Boolean(required=True)
    version = fields.Integer(required=True)


BadgePage = page_of(Badge)

"""What a post looks like coming in and going out."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.web.paging import PageQuery
from nexcorp.web.parsing import Body, Out, PatchBody, Text
from nexcorp.web.shapes import Person, page_of

TYPES = ("normal",)


class CreatePost(Body):
    """A new post."""

    type = fields.String(load_default="normal", validate=validate.OneOf(TYPES))
    title = Text(least=1, most=200, load_default=None, allow_none=True)
    body = Text(least=1, most=20_000, required=True)


class UpdatePost(PatchBody):
    """Only what is sent changes; a title sent as null is removed."""

    title = Text(least=1, most=200, allow_none=True)
    body = Text(least=1, most=20_000)

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """A PATCH that changes nothing is a mistake of the caller's."""
        if not data.keys() & {"title", "body"}:
            raise ValidationError("Send title, body or both.")


class PostQuery(PageQuery):
    """Which posts."""

    author = fields.UUID()
    type = fields.String(validate=validate.OneOf(TYPES))


class Post(Out):
    """A post as one viewer sees it."""

    id = fields.UUID(required=True)
    type = fields.String(required=True, validate=validate.OneOf(TYPES))
    title = fields.String(required=True, allow_none=True)
    body = fields.String(required=True)
    author = fields.Nested(Person, required=True)
    likeCount = fields.Integer(required=True)
    commentCount = fields.Integer(required=True)
    liked = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


PostPage = page_of(Post)

"""Request and response schemas of comments."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.fields import Body, Out, PatchBody, Text
from nexcorp.domain.shapes import Person, counts_version, live_page_of
from nexcorp.web.paging import PageQuery


class CreateComment(Body):
    """A new comment; `@username` notifies that user."""

    postId = fields.UUID(metadata={"description": "The post to comment on; send this or `taskId`."})
    taskId = fields.UUID(metadata={"description": "The task to comment on; send this or `postId`."})
    parentId = fields.UUID(load_default=None, allow_none=True)
    body = Text(least=1, most=5000, required=True)

    @validates_schema
    def require_one(self, data: dict[str, object], **more: object) -> None:
        """Require exactly one of postId and taskId."""
        if ("postId" in data) == ("taskId" in data):
            raise ValidationError("Send postId or taskId.", "postId")


class CommentQuery(PageQuery):
    """Query of a list of comments: whether the oldest or the newest come first."""

    order = fields.String(load_default="oldest", validate=validate.OneOf(("oldest", "newest")))


class UpdateComment(PatchBody):
    """A new text for a comment."""

    body = Text(least=1, most=5000, required=True)


class Comment(Out):
    """A comment, or the placeholder of one that was deleted and has replies."""

    id = fields.UUID(required=True)
    postId = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Null for a comment on a task."}
    )
    taskId = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Null for a comment on a post."}
    )
    parentId = fields.UUID(required=True, allow_none=True)
    body = fields.String(required=True, allow_none=True, metadata={"description": "Null if deleted."})
    author = fields.Nested(
        Person, required=True, allow_none=True, metadata={"description": "Null if deleted."}
    )
    deleted = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class RoomComment(Comment):
    """A comment as everybody in the room of its post or task sees it."""

    commentCount = fields.Integer(
        required=True, metadata={"description": "The current number of comments on its post or task."}
    )
    countsVersion = counts_version(allow_none=True)


CommentPage = live_page_of(Comment, "post:{id}")
TaskCommentPage = live_page_of(Comment, "task:{id}")

"""Schemas of readers: requests and answers."""

from __future__ import annotations

from marshmallow import fields

from nexcorp.domain.fields import Body, Out
from nexcorp.domain.shapes import PersonSeen, page_of
from nexcorp.web.paging import PageQuery


class PostRead(Out):
    """The time at which a user read a post."""

    readAt = fields.AwareDateTime(
        required=True,
        metadata={
            "description": "When you first marked the post as read; for its author, when the post was made."
        },
    )


class ReaderQuery(PageQuery):
    """Whether to list the people who read the post, or those who did not."""

    read = fields.Boolean(
        load_default=True,
        metadata={"description": "false: the active people who have not read the announcement yet."},
    )


class Reader(Out):
    """A person who read a post, or has not yet read it."""

    user = fields.Nested(PersonSeen, required=True)
    readAt = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Null for people who have not read it."}
    )


class ReaderPage(Out):
    """A page, and the number of all readers."""

    data = fields.List(fields.Nested(Reader), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
    readerCount = fields.Integer(
        required=True, metadata={"description": "The number of all readers, whatever the page lists."}
    )


class ReadComments(Body):
    """The last comment that the caller has read."""

    upTo = fields.UUID(
        required=True,
        metadata={"description": "The last comment read. If it is deleted, the one before it counts."},
    )


class Watermark(Out):
    """How far a user has read the comments of a post or task."""

    upTo = fields.UUID(
        required=True,
        allow_none=True,
        metadata={
            "description": "The last comment read, which may be deleted; null if you have not read any."
        },
    )
    unreadCount = fields.Integer(
        required=True,
        metadata={"description": "Comments by others after it, counted up to 100: show 100 as 99+."},
    )


class CommentReader(Out):
    """A person who read a comment."""

    user = fields.Nested(PersonSeen, required=True)


CommentReaderPage = page_of(CommentReader)

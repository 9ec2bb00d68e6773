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
        metadata={"description": "When they said so first; for its author, when the post was made."},
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
        required=True, allow_none=True, metadata={"description": "Null for those who have not."}
    )


class ReaderPage(Out):
    """A page, and the number of all readers."""

    data = fields.List(fields.Nested(Reader), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
    readerCount = fields.Integer(
        required=True, metadata={"description": "All who read it, whatever the page lists."}
    )


class ReadComments(Body):
    """The last comment that the caller has read."""

    upTo = fields.UUID(
        required=True,
        metadata={"description": "The last comment read. Where it is gone, the one before it counts."},
    )


class Watermark(Out):
    """How far a user has read the comments of a post or task."""

    upTo = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The last comment read, which may be deleted; null for not at all."},
    )
    unreadCount = fields.Integer(
        required=True,
        metadata={"description": "Comments of others behind it, counted to 100: show 100 as 99+."},
    )


class CommentReader(Out):
    """A person who read a comment."""

    user = fields.Nested(PersonSeen, required=True)


CommentReaderPage = page_of(CommentReader)

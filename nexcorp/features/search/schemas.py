"""Schemas of search: the query and its results."""

from __future__ import annotations

from marshmallow import fields, validate

from nexcorp.domain.fields import Name, Out, Text
from nexcorp.domain.shapes import Person, PersonSeen
from nexcorp.web.paging import PageQuery

KINDS = "kinds of search"


class SearchQuery(PageQuery):
    """The query: `?q=&kind=`."""

    q = Text(
        shows=False,
        least=1,
        most=200,
        required=True,
        metadata={"description": 'Words; "a phrase"; or; -without. No text is an error.'},
    )
    kind = Name(
        KINDS,
        validate=validate.Length(1, 40),
        metadata={"description": "Only results of this kind; absent: of every kind that you may see."},
    )


class Found(Out):
    """One result."""

    kind = Name(KINDS, required=True)
    id = fields.UUID(required=True)
    title = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "For a comment the title of its post, for a person the name, for a file the path."
        },
    )
    highlight = fields.String(
        required=True,
        metadata={"description": "HTML: matches are in <mark>, everything else is escaped."},
    )
    score = fields.Float(required=True, metadata={"description": "Relevance: more is better."})
    createdAt = fields.AwareDateTime(required=True)
    author = fields.Nested(Person, required=True, allow_none=True)
    person = fields.Nested(PersonSeen, required=True, allow_none=True)
    postId = fields.UUID(required=True, allow_none=True)


class FoundPage(Out):
    """A page of results, the best first."""

    data = fields.List(fields.Nested(Found), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
    didYouMean = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "If nothing matched `q`: the words that `data` matches instead."},
    )

"""Shapes that more than one feature shows."""

from __future__ import annotations

from marshmallow import Schema, fields

from nexcorp.web.parsing import Out


class Person(Out):
    """A user as embedded in what they wrote or did."""

    id = fields.UUID(required=True)
    username = fields.String(required=True)
    firstName = fields.String(required=True, allow_none=True)
    lastName = fields.String(required=True, allow_none=True)


class PersonSince(Out):
    """A person in a list of likes, followers or followed."""

    user = fields.Nested(Person, required=True)
    createdAt = fields.AwareDateTime(required=True)


def page_of(item: type[Schema]) -> Schema:
    """The shape of a list of `item`: `{data, nextCursor}`."""
    return Schema.from_dict(
        {
            "data": fields.List(fields.Nested(item), required=True),
            "nextCursor": fields.String(required=True, allow_none=True),
        },
        name=f"{item.__name__}Page",
    )()


PersonSincePage = page_of(PersonSince)

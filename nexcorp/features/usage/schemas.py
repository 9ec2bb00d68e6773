"""Schemas of the usage."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from nexcorp.domain.fields import Out

SPANS = (30, 90)


class UsageQuery(Schema):
    """The number of days."""

    days = fields.Integer(
        load_default=SPANS[0],
        validate=validate.OneOf(SPANS),
        metadata={"description": "The number of days, of which today is the last."},
    )


def figure(text: str, kind: type[fields.Field[Any]] = fields.Integer) -> fields.Field[Any]:
    """Make the field of a daily figure, null where it is unknown."""
    return kind(required=True, allow_none=True, metadata={"description": text})


class UsageDay(Out):
    """One day, UTC. Figures are null if the day is not counted yet."""

    day = fields.Date(required=True)
    activePeople = figure("People who did something, or whose session was refreshed.")
    posts = figure("Posts published.")
    comments = figure("Comments written, on posts and tasks.")
    messages = figure("Messages between people.")
    tasksDone = figure("Tasks completed.")
    firstCommentSeconds = figure(
        "The median time from a post to the first comment on it by another person, for first comments of "
        "this day; null without any.",
        fields.Float,
    )
    latencyP50 = figure(
        "Response time in milliseconds: the mean of the medians of every ten seconds, weighted by "
        "requests; null if nothing was measured.",
        fields.Float,
    )
    latencyP99 = figure("The same for the time that 99 of 100 requests did not exceed.", fields.Float)
    countedAt = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When the day was last counted."}
    )


class Usage(Out):
    """The usage by day, oldest first."""

    days = fields.Integer(required=True)
    data = fields.List(fields.Nested(UsageDay), required=True)

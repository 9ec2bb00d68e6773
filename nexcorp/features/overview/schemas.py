"""Schemas of the overview, and its frame."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from nexcorp.domain.fields import Out
from nexcorp.realtime.shapes import TEXT, TIME, WHOLE, FrameDoc, closed

# Step in seconds, number of points: the last hour by ten seconds, the last day by five minutes.
RANGES = {"hour": (10, 360), "day": (300, 288)}


def figure(text: str, kind: type[fields.Field[Any]] = fields.Float) -> fields.Field[Any]:
    """Make a field for a figure that may be unknown."""
    return kind(required=True, allow_none=True, metadata={"description": text})


MEASURED = {
    "requestsPerSecond": figure("Requests answered, except sockets and streams."),
    "errorsPerSecond": figure("Requests answered with 5xx."),
    "latencyP50": figure("The median response time in milliseconds; null without requests."),
    "latencyP99": figure("The response time in milliseconds that 99 of 100 requests did not exceed."),
    "sockets": figure("Open WebSockets, including those that edit files.", fields.Integer),
    "notificationsPerSecond": figure("Notifications written."),
    "deliveredPerSecond": figure("Events of the outbox delivered."),
    "poolSize": figure("Connections to PostgreSQL.", fields.Integer),
    "poolBusy": figure("Connections in use.", fields.Integer),
}


class OverviewNode(Out.from_dict(dict(MEASURED))):  # type: ignore[misc]
    """A running process and its latest measurements; null where its kind does not measure a figure."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["web", "worker"]))
    at = fields.AwareDateTime(required=True)


class OverviewPoint(Out.from_dict(dict(MEASURED))):  # type: ignore[misc]
    """One step of the history, over all processes; null where no process measured a figure."""

    at = fields.AwareDateTime(required=True, metadata={"description": "When the step began."})
    queueDepth = figure("Jobs that wait in Redis.", fields.Integer)
    outboxDepth = figure("Events that wait for delivery.", fields.Integer)
    outboxAge = figure("Seconds that the oldest event has waited.")
    deadLetters = figure("Events given up on.", fields.Integer)
    webNodes = figure("Web processes that measured.", fields.Integer)
    workers = figure("Workers that measured.", fields.Integer)


class OutboxState(Out):
    """Events that still have to be delivered."""

    depth = fields.Integer(required=True)
    age = fields.Float(required=True, metadata={"description": "Seconds that the oldest event has waited."})
    dead = fields.Integer(required=True)


class Overview(Out):
    """The state of the service."""

    users = fields.Integer(
        required=True,
        metadata={"description": "Active people; from 100,000 on, an estimate of all accounts."},
    )
    workers = fields.Integer(required=True, metadata={"description": "Workers seen in the last 15 seconds."})
    outbox = fields.Nested(OutboxState, required=True)
    latest = fields.Nested(
        OverviewPoint, required=True, metadata={"description": "The last ten seconds that are complete."}
    )
    nodes = fields.List(fields.Nested(OverviewNode), required=True)


class HistoryQuery(Schema):
    """The range of the history."""

    range = fields.String(
        load_default="hour",
        validate=validate.OneOf(list(RANGES)),
        metadata={"description": "`hour`: one point every ten seconds; `day`: one every five minutes."},
    )


class OverviewHistory(Out):
    """The points of a range, without gaps, oldest first."""

    range = fields.String(required=True)
    step = fields.Integer(required=True, metadata={"description": "Seconds between two points."})
    data = fields.List(fields.Nested(OverviewPoint), required=True)


class DeadLetter(Out):
    """An event that could not be delivered."""

    id = fields.Integer(required=True)
    dead = fields.Boolean(
        required=True,
        metadata={"description": "true: given up on; false: tried again automatically at `nextAt`."},
    )
    type = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The type of the event; null if the event is gone."},
    )
    attempts = fields.Integer(required=True)
    lastError = fields.String(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    nextAt = fields.AwareDateTime(required=True, allow_none=True)


class DeadLetters(Out):
    """Events that could not be delivered: dead ones first, the oldest first; at most 100."""

    data = fields.List(fields.Nested(DeadLetter), required=True)


def describe(schema: type[Schema]) -> dict[str, Any]:
    """Return the JSON Schema of a frame's data, for the kinds of field that this module uses."""
    kinds: dict[type[Any], Any] = {
        fields.String: TEXT,
        fields.AwareDateTime: TIME,
        fields.Float: {"type": "number"},
        fields.Integer: WHOLE,
    }
    found: dict[str, Any] = {}
    for name, one in schema._declared_fields.items():
        if isinstance(one, fields.Nested):
            found[name] = describe(one.schema.__class__)
        elif isinstance(one, fields.List) and isinstance(one.inner, fields.Nested):
            found[name] = {"type": "array", "items": describe(one.inner.schema.__class__)}
        else:
            plain = kinds[type(one)]
            found[name] = {**plain, "type": [plain["type"], "null"]} if one.allow_none else plain
    return closed(found)


FRAMES = {
    "overview:updated": FrameDoc(
        "In admin, every ten seconds: the same as GET /admin/overview answers. The frames have no seq, "
        "and are not kept.",
        describe(Overview),
        gathered=True,
    )
}

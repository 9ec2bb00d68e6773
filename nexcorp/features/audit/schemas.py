"""Query and response schemas of the audit trail."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.fields import Out, Text
from nexcorp.domain.shapes import Person, page_of
from nexcorp.web.paging import PageQuery

NAME = r"^[a-z][a-z0-9_]*\Z"
TYPE = r"^[a-z][a-z0-9_]*\.([a-z][a-z0-9_]*)?\Z"


class EventQuery(PageQuery):
    """Filters; an event must match all of them."""

    actor = fields.UUID(metadata={"description": "The person who acted."})
    entityType = Text(
        most=50,
        checks=[validate.Regexp(NAME, error="Not a type of entity.")],
        metadata={"description": "The type of the entity that the event is about, for instance `post`."},
    )
    entityId = fields.UUID(metadata={"description": "The id of that entity; needs `entityType`."})
    type = Text(
        most=100,
        checks=[validate.Regexp(TYPE, error="Like post.created, or all of a kind: post.")],
        metadata={
            "description": "A type of event, `user.logged_in`, or `user.` for all types that begin so."
        },
    )
    from_ = fields.AwareDateTime(
        format="iso", data_key="from", metadata={"description": "Only events at this time or later."}
    )
    to = fields.AwareDateTime(format="iso", metadata={"description": "Only events before this time."})

    @validates_schema
    def require_type(self, data: dict[str, object], **more: object) -> None:
        """Require entityType with entityId: an id is unique only within its type."""
        if "entityId" in data and "entityType" not in data:
            raise ValidationError({"entityType": ["Required with entityId."]})


class AuditEvent(Out):
    """One event of the audit trail."""

    id = fields.UUID(required=True)
    type = fields.String(required=True)
    actor = fields.Nested(
        Person,
        required=True,
        allow_none=True,
        metadata={
            "description": "The person who acted; null for the service itself, and for people who have left."
        },
    )
    entityType = fields.String(required=True)
    entityId = fields.UUID(required=True)
    entityName = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The current name or beginning of the entity: of posts and comments with "
            "`post:read`, of people with `user:read`; null for all others, and for entities that are "
            "gone or that you may not see."
        },
    )
    payload = fields.Dict(required=True)
    ip = fields.String(required=True, allow_none=True)
    userAgent = fields.String(required=True, allow_none=True)
    requestId = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "X-Request-Id of the request that caused it."},
    )
    createdAt = fields.AwareDateTime(required=True)


AuditEventPage = page_of(AuditEvent)

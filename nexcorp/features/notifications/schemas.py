"""What a notification looks like coming in and going out."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validates_schema

from nexcorp.domain.fields import Body, Flag, Name, Out
from nexcorp.domain.shapes import Person
from nexcorp.web.paging import PageQuery

UUID_TEXT = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
TYPES = "types of notification"


class Types(Name):
    """One type or several, comma-separated, in either case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return [name.strip().lower() for name in super()._deserialize(value, attr, data, **more).split(",")]


class NotificationQuery(PageQuery):
    """Which notifications; archived ones only with `archived=true`."""

    unread = fields.Boolean()
    archived = fields.Boolean()
    type = Types(
        TYPES, metadata={"description": "One or several, comma-separated (`like,comment`), in either case."}
    )


class IdOrTime(fields.Field[Any]):
    """A UUID or a time with its zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, str) and UUID_TEXT.fullmatch(value):
            return UUID(value)
        try:
            return fields.AwareDateTime(format="iso").deserialize(value).astimezone(UTC)
        except (ValidationError, OverflowError):
            raise ValidationError("Not an id, nor a time with its zone.") from None


class ReadAll(Body):
    """Without `before` all are read."""

    before = IdOrTime(
        allow_none=True,
        metadata={
            "type": "string",
            "description": "Only those before it in the list, where it is the id of a notification, or with "
            "an earlier `createdAt`, where it is a time. What came since you fetched the list stays unread.",
        },
    )


class UpdateNotification(Body):
    """Only what is sent changes."""

    isRead = Flag()
    archived = Flag()
    seen = Flag()

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """A PATCH that changes nothing is a mistake of the caller's."""
        if not data:
            raise ValidationError("Send isRead, archived or seen.")


class Entity(Out):
    """What a notification is about."""

    type = fields.String(
        required=True, metadata={"description": "`post`, `comment` or `user`; more may come."}
    )
    id = fields.UUID(required=True)


class Notification(Out):
    """One notification of the receiver's own."""

    id = fields.UUID(required=True)
    type = Name(TYPES, required=True)
    title = fields.String(required=True)
    message = fields.String(
        required=True,
        metadata={
            "description": "How what it tells of begins; empty once the post or the comment is deleted."
        },
    )
    isRead = fields.Boolean(required=True)
    seenAt = fields.AwareDateTime(required=True, allow_none=True)
    archivedAt = fields.AwareDateTime(required=True, allow_none=True)
    actor = fields.Nested(Person, required=True, allow_none=True)
    entity = fields.Nested(Entity, required=True, allow_none=True)
    postId = fields.UUID(required=True, allow_none=True)
    relatedLeadId = fields.UUID(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class NotificationPage(Out):
    """A page, and the position in the own room from which frames complete it."""

    data = fields.List(fields.Nested(Notification), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
    unreadCount = fields.Integer(required=True)
    epoch = fields.String(required=True, allow_none=True)
    seq = fields.Integer(required=True)


class UnreadCount(Out):
    """How many are neither read nor archived."""

    count = fields.Integer(required=True)


class Updated(Out):
    """How many changed."""

    updated = fields.Integer(required=True)

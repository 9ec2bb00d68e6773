"""Schemas of notifications: requests and answers."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validates_schema

from nexcorp.domain.fields import Body, Flag, Later, Name, Out
from nexcorp.domain.shapes import Person
from nexcorp.web.paging import PageQuery

UUID_TEXT = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
TYPES = "types of notification"


class Types(Name):
    """One type or several, comma-separated, in either case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        return [name.strip().lower() for name in super()._deserialize(value, attr, data, **more).split(",")]


# A query names at most one of these lists; without them it reads the plain list.
APART = ("archived", "snoozed", "grouped", "group")


class NotificationQuery(PageQuery):
    """Filters of the list; archived and snoozed notifications only on request."""

    unread = fields.Boolean(
        metadata={
            "description": "true: only unread notifications; false: only read ones. In a grouped "
            "list: groups with unread members, or without."
        }
    )
    archived = fields.Boolean(metadata={"description": "true: archived notifications instead of the list."})
    snoozed = fields.Boolean(metadata={"description": "true: snoozed notifications instead of the list."})
    group = fields.UUID(metadata={"description": "Only the members of the group with this id."})
    grouped = fields.Boolean(
        metadata={
            "description": "true: shows each group as one item: its newest notification, with `group` "
            "and a title for all members. Later pages show groups that moved meanwhile at their old "
            "place."
        }
    )
    type = Types(
        TYPES,
        metadata={
            "description": "One or several types, comma-separated (`like,comment`), in upper or lower case."
        },
    )

    @validates_schema
    def require_one_list(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for two of APART: archived groups, say, have no list."""
        asked = [name for name in APART if data.get(name)]
        if len(asked) > 1:
            raise ValidationError({name: [f"Not together with {asked[0]}."] for name in asked[1:]})


class IdOrTime(fields.Field[Any]):
    """A UUID or a time with its zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        if isinstance(value, str) and UUID_TEXT.fullmatch(value):
            return UUID(value)
        try:
            return fields.AwareDateTime(format="iso").deserialize(value).astimezone(UTC)
        except (ValidationError, OverflowError):
            raise ValidationError("Not an id, nor a time with its zone.") from None


class Before(Body):
    """Which notifications: all of them, or those before `before`."""

    before = IdOrTime(
        allow_none=True,
        metadata={
            "type": "string",
            "description": "Only notifications older than this: the id or position of a notification, or "
            "a time, which is compared with `createdAt`. Notifications that came since you fetched the "
            "list stay as they are.",
        },
    )


class ArchiveAll(Before):
    """Which notifications to archive: only read ones, unless `onlyRead` is false."""

    onlyRead = Flag(load_default=True, metadata={"description": "false: unread notifications as well."})


class UpTo(Body):
    """Which members of a group: all of them, or `upTo` and those behind it in the list."""

    upTo = fields.UUID(
        allow_none=True,
        metadata={
            "description": "Only this notification and older ones: the id of a notification, or a "
            "position. Newer ones stay as they are."
        },
    )


class UpdateNotification(Body):
    """Fields to change; a field that is absent stays as it is."""

    isRead = Flag(metadata={"description": "true also marks it as seen; false leaves it seen."})
    archived = Flag(
        metadata={
            "description": "true: removes it from the list and the count, and ends a snooze. false: puts "
            "it back in its place, as it was."
        }
    )
    seen = Flag(
        metadata={"description": "The unread count stays. false has no effect on a read notification."}
    )
    snoozedUntil = Later(
        years=1,
        allow_none=True,
        metadata={
            "description": "Until then, at most a year, it is out of the list, the archive and the "
            "count; then it is unread, on top and in no group. null: now.",
        },
    )

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PATCH that changes nothing or contradicts itself."""
        if not data:
            raise ValidationError("Send isRead, archived, seen or snoozedUntil.")
        if data.get("isRead") and data.get("seen") is False:
            raise ValidationError("What is read is seen.", "seen")
        if data.get("archived") and data.get("snoozedUntil") is not None:
            raise ValidationError("Archived, it does not come back by itself.", "snoozedUntil")


class Entity(Out):
    """The entity that a notification is about."""

    type = fields.String(
        required=True, metadata={"description": "`post`, `comment` or `user`; more may come."}
    )
    id = fields.UUID(required=True)


class Group(Out):
    """A group of notifications, which a grouped list shows as one item."""

    id = fields.UUID(required=True)
    key = fields.String(
        required=True, metadata={"description": "The key that the members share: `like:post:{id}`."}
    )
    count = fields.Integer(required=True, metadata={"description": "The number of members in the list."})
    unread = fields.Integer(required=True)
    actors = fields.List(
        fields.Nested(Person), required=True, metadata={"description": "The three newest people."}
    )


class Notification(Out):
    """A notification of the caller."""

    id = fields.UUID(required=True)
    type = Name(TYPES, required=True)
    title = fields.String(required=True)
    message = fields.String(
        required=True,
        metadata={
            "description": "The beginning of the text it is about; empty once the post or the comment is "
            "deleted."
        },
    )
    isRead = fields.Boolean(required=True)
    seenAt = fields.AwareDateTime(required=True, allow_none=True)
    archivedAt = fields.AwareDateTime(required=True, allow_none=True)
    snoozedUntil = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={
            "description": "If this or archivedAt is set, the notification is not in the list: "
            "remove it there."
        },
    )
    position = fields.UUID(
        required=True,
        metadata={"description": "Sort lists by it, the greatest first. It grows when the snooze ends."},
    )
    groupId = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The group that it belongs to."}
    )
    group = fields.Nested(
        Group,
        required=True,
        allow_none=True,
        metadata={
            "description": "In a grouped list, the group that the notification stands for; null "
            "everywhere else."
        },
    )
    silent = fields.Boolean(
        required=True, metadata={"description": "Show it without a sound: it came in quiet hours."}
    )
    actor = fields.Nested(Person, required=True, allow_none=True)
    entity = fields.Nested(Entity, required=True, allow_none=True)
    postId = fields.UUID(required=True, allow_none=True)
    relatedLeadId = fields.UUID(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class NotificationPage(Out):
    """A page, and the position in the caller's own room from which frames complete it."""

    data = fields.List(fields.Nested(Notification), required=True)
    nextCursor = fields.String(required=True, allow_none=True)
    unreadCount = fields.Integer(required=True)
    epoch = fields.String(required=True, allow_none=True)
    seq = fields.Integer(required=True)


class UnreadCount(Out):
    """The number of unread notifications in the list."""

    count = fields.Integer(required=True)


class Updated(Out):
    """The number of notifications that changed."""

    updated = fields.Integer(required=True)

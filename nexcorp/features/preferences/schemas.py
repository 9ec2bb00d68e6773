"""Schemas of preferences: requests and answers."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from nexcorp.domain.fields import Body, Entries, Flag, Later, Name, Out, Strict, Text
from nexcorp.domain.shapes import Person, page_of
from nexcorp.features.preferences.reasons import HELD, describe_reasons

TYPES = "types of notification"
EMAILS = ("off", "offline", "always")
DIGESTS = ("none", "hourly", "daily")
CLOCK = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])")
ABOUT_EMAIL = (
    "`off`: no mail; `offline`: unless a device showed it within two minutes; `always`: unless it was read."
)


class WallTime(fields.Field[time]):
    """Hours and minutes on the wall clock, such as "22:00"."""

    def __init__(self, **more: Any) -> None:
        about = {"type": "string", "pattern": f"^{CLOCK.pattern}$", "example": "22:00"}
        super().__init__(metadata={**about, **more.pop("metadata", {})}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> time:
        found = CLOCK.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError('Not a time as "22:00".')
        return time(int(found[1]), int(found[2]))


class Shown(fields.Raw):
    """A read-only field: clients may send back the value that GET returned; it is dropped."""

    def __init__(self) -> None:
        super().__init__(metadata={"description": "Read-only: accepted as GET shows it, and ignored."})


def leave_out_shown(schema: Schema, data: dict[str, Any]) -> dict[str, Any]:
    """Return the data without read-only fields."""
    return {name: value for name, value in data.items() if not isinstance(schema.fields[name], Shown)}


class Choice(Strict):
    """Channels of a type: null restores the default; an absent channel stays as it is."""

    default, critical = Shown(), Shown()
    inApp = Flag(allow_none=True)
    email = fields.String(
        validate=validate.OneOf(EMAILS), allow_none=True, metadata={"description": ABOUT_EMAIL}
    )
    push = Flag(allow_none=True)

    @post_load
    def leave_out_shown(self, data: dict[str, Any], **more: object) -> dict[str, Any]:
        return leave_out_shown(self, data)


class QuietHours(Strict):
    """Quiet hours on the wall clock: from one time until just before another, also over midnight."""

    from_ = WallTime(required=True, data_key="from")
    to = WallTime(required=True)

    @validates_schema
    def require_some(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for equal times; people who want quiet all day switch channels off."""
        if data["from_"] == data["to"]:
            raise ValidationError("Begins and ends at the same time.", "to")


class PreferencesBody(Body):
    """Settings to change; an absent setting stays as it is."""

    types = Entries(
        keys=Name(TYPES),
        values=fields.Nested(Choice, allow_none=True),
        metadata={"description": "Channels by type of notification; null restores the defaults of a type."},
    )
    quietHours = fields.Nested(QuietHours, allow_none=True)
    timezone = Text(
        least=1,
        most=100,
        metadata={"description": "A time zone of the IANA database.", "example": "Europe/Berlin"},
    )
    digest = fields.String(validate=validate.OneOf(DIGESTS))
    digestAt = WallTime(metadata={"description": "When the daily digest is sent.", "example": "08:00"})
    nextDigestAt = Shown()

    @post_load
    def leave_out_shown(self, data: dict[str, Any], **more: object) -> dict[str, Any]:
        return leave_out_shown(self, data)

    @validates_schema
    def require_change(self, data: dict[str, object], **more: object) -> None:
        """Raise ValidationError for a PUT that changes nothing."""
        if not data:
            raise ValidationError("Send types, quietHours, timezone, digest or digestAt.")


class Channels(Out):
    """The channels of a type."""

    inApp = fields.Boolean(required=True)
    email = fields.String(
        required=True, validate=validate.OneOf(EMAILS), metadata={"description": ABOUT_EMAIL}
    )
    push = fields.Boolean(required=True)


class TypePreference(Channels):
    """A type's channels as they take effect, with its defaults beside them."""

    default = fields.Nested(Channels, required=True)
    critical = fields.Boolean(
        required=True,
        metadata={
            "description": "true: mutes, preferences and quiet hours do not hold this type, and "
            "its channels cannot be changed."
        },
    )


class QuietShown(Out):
    """Quiet hours."""

    from_ = WallTime(required=True, data_key="from")
    to = WallTime(required=True)


class Preferences(Out):
    """All settings of notifications, as they take effect."""

    types = fields.Dict(keys=fields.String(), values=fields.Nested(TypePreference), required=True)
    quietHours = fields.Nested(QuietShown, required=True, allow_none=True)
    timezone = fields.String(required=True)
    digest = fields.String(required=True, validate=validate.OneOf(DIGESTS))
    digestAt = WallTime(required=True)
    nextDigestAt = fields.AwareDateTime(required=True, allow_none=True)


class NotificationType(Out):
    """A type of notification, with its channels by default."""

    type = Name(TYPES, required=True)
    critical = fields.Boolean(required=True)
    byDesign = fields.Boolean(
        required=True, metadata={"description": "true: always critical, whatever an administrator marks."}
    )
    groupable = fields.Boolean(required=True)
    default = fields.Nested(Channels, required=True)


NotificationTypePage = page_of(NotificationType)


class MarkBody(Body):
    """Whether an administrator marks a type as critical."""

    critical = Flag(
        required=True,
        allow_none=True,
        metadata={"description": "true: critical; null and false: as `byDesign` says."},
    )


class MuteBody(Body):
    """The end of a mute; without `until` it has none."""

    until = Later(
        years=10,
        allow_none=True,
        load_default=None,
        metadata={"description": "The end of the mute, at most ten years away; null: no end."},
    )


class Muted(Out):
    """A muted entity, with all that belongs to it, or a muted person."""

    type = fields.String(required=True, metadata={"description": "`post`, `comment`, `user` ..."})
    id = fields.UUID(required=True)


class Mute(Out):
    """One of the caller's mutes."""

    entity = fields.Nested(Muted, required=True)
    title = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The title, beginning or name of the entity; null if you cannot see it now."
        },
    )
    until = fields.AwareDateTime(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)


MutePage = page_of(Mute)


class HeldNotification(Out):
    """A notification that the caller was not told of."""

    id = fields.UUID(required=True)
    type = Name(TYPES, required=True)
    title = fields.String(required=True)
    message = fields.String(required=True)
    actor = fields.Nested(Person, required=True, allow_none=True)
    entity = fields.Nested(Muted, required=True, allow_none=True)
    postId = fields.UUID(required=True, allow_none=True)
    relatedLeadId = fields.UUID(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    reason = fields.String(required=True, validate=validate.OneOf(tuple(HELD)))
    heldAt = fields.AwareDateTime(required=True)


HeldPage = page_of(HeldNotification)


class TraceStep(Out):
    """One step of a trace."""

    step = fields.String(
        required=True,
        metadata={
            "description": "`audience`, `decision`, `inApp`, `email`, `push`, `delivered`, `seen`, `read`, "
            "`archived`, `snoozed`."
        },
    )
    outcome = fields.String(
        required=True,
        metadata={
            "description": "`chosen`; `told` or `held`; `shown` or `silent`; `left_out`, `planned`, "
            "`attempt_...`, `waiting`, `sent`, `skipped` or `failed`; `acknowledged` by a device; `done`; "
            "`until`."
        },
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "A code, or the other side's answer to an attempt.\n\n" + describe_reasons()
        },
    )
    at = fields.AwareDateTime(required=True)


class Trace(Out):
    """The steps of a notification, in the order in which they happened."""

    data = fields.List(fields.Nested(TraceStep), required=True)

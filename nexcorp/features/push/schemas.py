"""Schemas of push subscriptions: requests as browsers write them, and answers without secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from nexcorp.domain.fields import Body, Out, Strict, Text
from nexcorp.domain.shapes import page_of
from nexcorp.integrations.outbound import MAX_URL_CHARS
from nexcorp.integrations.push import check_keys
from nexcorp.integrations.vapid import decode

MAX_KEY_CHARS = 200


class Base64Url(fields.Field[bytes]):
    """Bytes as base64url, with padding or without."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            metadata={"type": "string", "maxLength": MAX_KEY_CHARS, **more.pop("metadata", {})}, **more
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> bytes:
        try:
            if isinstance(value, str) and len(value) <= MAX_KEY_CHARS:
                return decode(value)
        except ValueError:
            pass
        raise ValidationError("Is not base64url.")


class Milliseconds(fields.Field[datetime]):
    """A time in the future, as JavaScript writes it: milliseconds since 1970."""

    def __init__(self, **more: Any) -> None:
        super().__init__(metadata={"type": "number", **more.pop("metadata", {})}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> datetime:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("Not a number.")
        try:
            moment = datetime.fromtimestamp(value / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValidationError("Not a moment.") from None
        if moment <= datetime.now(UTC):
            raise ValidationError("Is not in the future.")
        return moment


class SubscriptionKeys(Strict):
    """The keys that encrypt messages to the browser."""

    p256dh = Base64Url(
        required=True, metadata={"description": "The public key: 65 bytes, a point of P-256, as base64url."}
    )
    auth = Base64Url(required=True, metadata={"description": "The shared secret: 16 bytes, as base64url."})

    @validates_schema
    def check(self, data: dict[str, Any], **more: Any) -> None:
        """Raise ValidationError for keys of a wrong length, or a public key that is not on the curve."""
        try:
            check_keys(data["p256dh"], data["auth"])
        except ValueError as error:
            raise ValidationError(f"These are no keys of a browser: {error}.") from None


class EndpointBody(Body):
    """A subscription by its endpoint, the only name that the browser has for it."""

    endpoint = Text(least=1, most=MAX_URL_CHARS, trim=False, required=True)


class CreateSubscription(EndpointBody):
    """The output of `PushSubscription.toJSON()`, unchanged."""

    expirationTime = Milliseconds(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "When the browser's push service ends the subscription, in milliseconds "
            "since 1970."
        },
    )
    keys = fields.Nested(SubscriptionKeys, required=True)


class PushKey(Out):
    """The public key that browsers subscribe with."""

    key = fields.String(
        required=True,
        metadata={
            "description": "`applicationServerKey`: 65 bytes as base64url, which browsers take as it is."
        },
    )


class PushSubscription(Out):
    """A browser that receives messages, without the secrets that sending needs."""

    id = fields.UUID(required=True)
    endpointHost = fields.String(
        required=True,
        metadata={"description": "The host of the browser's push service, as `fcm.googleapis.com`."},
    )
    platform = fields.String(required=True)
    device = fields.String(required=True, allow_none=True)
    userAgent = fields.String(required=True, allow_none=True)
    current = fields.Boolean(
        required=True, metadata={"description": "Whether the session of this request made it."}
    )
    createdAt = fields.AwareDateTime(required=True)
    refreshedAt = fields.AwareDateTime(
        required=True, metadata={"description": "When the browser last sent it."}
    )
    expiresAt = fields.AwareDateTime(required=True, allow_none=True)
    lastSuccessAt = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When a message was last taken, up to a minute late."},
    )
    failingSince = fields.AwareDateTime(required=True, allow_none=True)


PushSubscriptionPage = page_of(PushSubscription)

"""Schemas of webhooks: requests and answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from nexcorp.domain.fields import Body, Flag, Items, Name, Out, PatchBody, ProvenBody, Text
from nexcorp.domain.shapes import page_of
from nexcorp.integrations.outbound import MAX_URL_CHARS
from nexcorp.web.paging import PageQuery

SCOPES = ("own", "project", "all")
STATUSES = ("active", "paused", "disabled")
DELIVERY_STATUSES = ("pending", "delivered", "failed")
REASONS = ("owner", "failing", "right_lost", "secret_lost", "gone")
MAX_TYPES = 100
KEPT = timedelta(days=14)


def url_field(**more: Any) -> Text:
    """Make the field of the address that a webhook sends to."""
    return Text(
        least=1,
        most=MAX_URL_CHARS,
        trim=False,
        metadata={"description": "https, at an address of the public internet. Redirects are not followed."},
        **more,
    )


def types_field(**more: Any) -> Items:
    """Make the field of the types of event that a webhook sends."""
    return Items(
        Name("types for webhooks"),
        most=MAX_TYPES,
        metadata={
            "description": "Types of event, `task.*` for all of a subject; empty: all types of the "
            "scope. Your own notifications are `notification.` and their type."
        },
        **more,
    )


def description_field(**more: Any) -> Text:
    """Make the field of a webhook's description."""
    return Text(least=1, most=200, allow_none=True, **more)


class CreateWebhook(ProvenBody):
    """A new webhook."""

    url = url_field(required=True)
    scope = fields.String(
        validate=validate.OneOf(SCOPES),
        required=True,
        metadata={
            "description": "own: your notifications; project: what happens in `projectId`, of which you are "
            "an owner; all: every public event, with the permission `webhook:all`."
        },
    )
    projectId = fields.UUID(load_default=None, allow_none=True)
    types = types_field(load_default=list)
    description = description_field(load_default=None)

    @validates_schema
    def require_project(self, data: dict[str, Any], **more: Any) -> None:
        """Raise ValidationError unless a project comes with the scope `project`, and only with it."""
        if (data.get("scope") == "project") != (data.get("projectId") is not None):
            raise ValidationError({"projectId": ["Goes with the scope project, and only with it."]})


class UpdateWebhook(PatchBody, ProvenBody):
    """Fields to change; a field that is absent stays as it is."""

    url = url_field()
    types = types_field()
    description = description_field()
    status = fields.String(
        validate=validate.OneOf(("paused",)),
        metadata={"description": "Stops sending; events are kept for 14 days, until you resume it."},
    )


class RenewSecret(ProvenBody):
    """Whether the old secret ends at once."""

    revokeOld = Flag(
        load_default=False,
        metadata={
            "description": "true: the old secret stops signing at once; else requests are signed "
            "with both for 24 hours."
        },
    )


class RedeliverBody(Body):
    """Selects the deliveries to send again: those that were made in this span and failed."""

    class Meta:
        include = {  # noqa: RUF012
            "from": fields.AwareDateTime(
                format="iso",
                load_default=lambda: datetime.now(UTC) - KEPT,
                metadata={"description": "Only deliveries at this time or later; 14 days ago if absent."},
            )
        }

    to = fields.AwareDateTime(
        format="iso",
        load_default=lambda: datetime.now(UTC),
        metadata={"description": "Only deliveries before this time; now if absent."},
    )
    status = fields.String(validate=validate.OneOf(("failed",)), load_default="failed")


class DeliveryQuery(PageQuery):
    """Filters; a delivery must match both."""

    status = fields.String(validate=validate.OneOf(DELIVERY_STATUSES))
    type = Text(least=1, most=100)


class Webhook(Out):
    """A webhook without its secret."""

    id = fields.UUID(required=True)
    scope = fields.String(required=True, validate=validate.OneOf(SCOPES))
    projectId = fields.UUID(required=True, allow_none=True)
    url = fields.String(required=True)
    types = fields.List(fields.String(), required=True)
    description = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    reason = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(REASONS),
        metadata={
            "description": "Why it is not active. owner: the owner paused it; failing: it failed for "
            "five days; right_lost: the owner lost the right to it; secret_lost: its secret cannot be "
            "read; gone: the endpoint answered 410."
        },
    )
    failures = fields.Integer(
        required=True, metadata={"description": "The number of failed attempts in a row."}
    )
    failingSince = fields.AwareDateTime(required=True, allow_none=True)
    lastOkAt = fields.AwareDateTime(required=True, allow_none=True)
    oldSecretUntil = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Until when requests are signed with the previous secret, too."},
    )
    version = fields.Integer(required=True)
    createdAt = fields.AwareDateTime(required=True)
    updatedAt = fields.AwareDateTime(required=True)


class NewWebhook(Webhook):
    """A new webhook, or one with a new secret, and that secret."""

    secret = fields.String(
        required=True, metadata={"description": "`whsec_...`, which only this answer shows."}
    )


class WebhookDelivery(Out):
    """One event sent to one webhook."""

    id = fields.UUID(required=True)
    eventId = fields.UUID(
        required=True,
        metadata={"description": "`msg_` and its digits are the `webhook-id` of every attempt."},
    )
    type = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(DELIVERY_STATUSES))
    attempts = fields.Integer(required=True)
    nextAttemptAt = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={
            "description": "The earliest time of the next attempt; it comes later while the "
            "endpoint fails or is paused."
        },
    )
    lastStatus = fields.Integer(required=True, allow_none=True)
    lastError = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "`timeout`, `dns`, `tls`, `connection`, or why the URL is not called: "
            "`url_refused`, `https_only`, `address_refused`."
        },
    )
    lastMs = fields.Integer(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    endedAt = fields.AwareDateTime(required=True, allow_none=True)


class WebhookAttempt(Out):
    """One request to the endpoint, and its response."""

    n = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    status = fields.Integer(required=True, allow_none=True)
    ms = fields.Integer(required=True)
    error = fields.String(required=True, allow_none=True)
    response = fields.String(
        required=True, allow_none=True, metadata={"description": "The first 1,024 bytes of the body."}
    )


class WebhookDeliveryLog(WebhookDelivery):
    """A delivery with its attempts."""

    log = fields.List(fields.Nested(WebhookAttempt), required=True)


class Redelivered(Out):
    """The number of deliveries that are sent again."""

    count = fields.Integer(
        required=True,
        metadata={
            "description": "The number of deliveries, at most "
            "10,000 at a time: repeat the request for the rest."
        },
    )


WebhookPage = page_of(Webhook)
WebhookDeliveryPage = page_of(WebhookDelivery)

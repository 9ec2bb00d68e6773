"""Errors of webhooks."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden, NotFound

MAX_WEBHOOKS = 20


class WebhookNotFound(NotFound):
    """The user has no webhook with this id."""

    code, message = "webhook_not_found", "There is no such webhook."
    meaning = "You have no webhook with this id."


class DeliveryNotFound(NotFound):
    """The webhook has no delivery with this id."""

    code, message = "webhook_delivery_not_found", "There is no such delivery."
    meaning = "The webhook has no delivery with this id, or it is older than 14 days."


class TooManyWebhooks(Conflict):
    """The user has MAX_WEBHOOKS webhooks already."""

    code, message = "too_many_webhooks", f"You have {MAX_WEBHOOKS} webhooks already: delete one first."
    meaning = f"You have {MAX_WEBHOOKS} webhooks already."


class WebhookInactive(Conflict):
    """The webhook is paused or disabled, so nothing is sent to it."""

    code, message = "webhook_inactive", "The webhook is not active: resume it first."
    meaning = "The webhook is paused or disabled."


class RightLost(Forbidden):
    """The owner may no longer see what the webhook sends."""

    code, message = "webhook_right_lost", "You may not have what this webhook sends."
    meaning = "You are no longer an owner of the webhook's project, or lack `webhook:all`."

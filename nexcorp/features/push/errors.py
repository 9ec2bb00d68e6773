"""Errors of push subscriptions."""

from __future__ import annotations

from nexcorp.errors import Invalid, NotConfigured, NotFound


class EndpointRefused(Invalid):
    """The service sends nothing to this endpoint; `errors` says why."""

    code, message = "endpoint_refused", "Messages are not sent to this endpoint."
    meaning = "The endpoint is not an https address on the public internet; `errors` says why."


class SubscriptionNotFound(NotFound):
    """The user has no subscription with this id."""

    code, message = "push_subscription_not_found", "There is no such subscription."
    meaning = "You have no push subscription with this id."


class PushNotConfigured(NotConfigured):
    """The service has no key to sign messages with."""

    message = "Push is not configured: VAPID_PRIVATE_KEY is not set."

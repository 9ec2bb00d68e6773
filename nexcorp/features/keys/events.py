"""Events of API keys."""

from __future__ import annotations

from nexcorp.delivery.events import SILENT, EventType
from nexcorp.domain.security import security

EVENTS: dict[str, EventType] = {
    "api_key.created": security(
        "api_key_created",
        "An API key was made",
        "A program can act for you with it. If this was not you, revoke it and change your password.",
    ),
    "api_key.revoked": SILENT,
}

"""Events of people and roles: recorded in the trail, without notifications."""

from __future__ import annotations

from nexcorp.delivery.events import SILENT, EventType

EVENTS: dict[str, EventType] = {
    "user.updated": EventType(public=True),
    "user.role_changed": SILENT,
    "user.status_changed": SILENT,
    "user.deleted": EventType(public=True),
    "user.export_requested": SILENT,
    "user.export_downloaded": SILENT,
    "role.permissions_changed": SILENT,
}

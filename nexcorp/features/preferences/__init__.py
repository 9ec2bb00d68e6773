"""Preferences: what people want to hear of, on which channels and when; traces say why they were told."""

from nexcorp.db import sql
from nexcorp.features.preferences.events import EVENTS, FRAMES
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="preferences",
    routes=(
        "nexcorp.features.preferences.routes:ROUTES",
        "nexcorp.features.preferences.traces:ROUTES",
    ),
    events=EVENTS,
    frames=FRAMES,
    setup="nexcorp.features.preferences.routes:set_up",
    on_leave=sql.preferences.delete_preferences,
    export={
        "notificationSettings": Section(sql.preferences.export_settings, single=True),
        "notificationPreferences": Section(sql.preferences.export_preferences),
        "notificationMutes": Section(sql.preferences.export_mutes),
        "notificationsHeld": Section(sql.preferences.export_held),
    },
)

"""Follows: users follow other users."""

from nexcorp.db import sql
from nexcorp.features.follows.events import EVENTS, NOTICE_TYPES
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="follows",
    routes=("nexcorp.features.follows.routes:ROUTES",),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    seed="nexcorp.features.follows.seed:follow_demo_people",
    on_leave=sql.follows.delete_follows,
    export={
        "following": Section(sql.follows.export_following),
        "followers": Section(sql.follows.export_followers),
    },
)

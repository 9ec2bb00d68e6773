"""Likes and interest in projects."""

from nexcorp.db import sql
from nexcorp.features.reactions.events import EVENTS, NOTICE_TYPES
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="reactions",
    routes=("nexcorp.features.reactions.routes:ROUTES",),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    before_leave=sql.reactions.lock_interests,
    on_leave=sql.reactions.delete_interests,
    seed="nexcorp.features.reactions.seed:like_demo_posts",
    export={
        "likes": Section(sql.reactions.export_likes),
        "interests": Section(sql.reactions.export_interests),
    },
    permissions=("post:like",),
)

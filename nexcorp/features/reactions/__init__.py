"""Likes and interest in projects."""

from nexcorp.db import sql
from nexcorp.features.reactions.events import EVENTS, NOTICE_TYPES
from nexcorp.manifest import Feature

FEATURE = Feature(
    name="reactions",
    routes=("nexcorp.features.reactions.routes:ROUTES",),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    on_leave=sql.reactions.delete_interests,
    export={"likes": sql.reactions.export_likes, "interests": sql.reactions.export_interests},
    permissions=("post:like",),
)

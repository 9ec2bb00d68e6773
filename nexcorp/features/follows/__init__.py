"""Who follows whom."""

from nexcorp.db import sql
from nexcorp.features.follows.events import EVENTS, NOTICE_TYPES
from nexcorp.manifest import Feature

FEATURE = Feature(
    name="follows",
    routes=("nexcorp.features.follows.routes:ROUTES",),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    on_leave=sql.follows.delete_follows,
    export={"following": sql.follows.export_following, "followers": sql.follows.export_followers},
)

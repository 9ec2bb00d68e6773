"""The feed: posts by you and the people you follow."""

from nexcorp.db import sql
from nexcorp.manifest import Feature
from nexcorp.realtime.rooms import Gathering, RoomKind

FEATURE = Feature(
    name="feed",
    routes=("nexcorp.features.feed.routes:ROUTES",),
    rooms={
        "feed": RoomKind(
            "post:read",
            gathering=Gathering("profile", "post:created", sql.feed.list_concerned, sql.feed.list_recent),
        )
    },
)

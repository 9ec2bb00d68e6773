"""The admin's overview: how the service does, how it did in the last day, and what it could not deliver."""

from nexcorp.features.overview.schemas import FRAMES
from nexcorp.manifest import Feature
from nexcorp.realtime.rooms import RoomKind

FEATURE = Feature(
    name="overview",
    routes=("nexcorp.features.overview.routes:ROUTES",),
    setup="nexcorp.features.overview.live:set_up",
    frames=FRAMES,
    rooms={"admin": RoomKind("audit:read", numbered=False)},
    permissions=("outbox:retry",),
)

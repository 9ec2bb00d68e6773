"""The admin's overview: the service's state, its last day, and events that could not be delivered."""

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

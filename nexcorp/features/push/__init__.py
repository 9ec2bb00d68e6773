"""Web Push: the browsers that receive a person's notifications."""

from nexcorp.db import sql
from nexcorp.delivery.events import SILENT
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="push",
    routes=("nexcorp.features.push.routes:ROUTES",),
    events={"push_subscription.created": SILENT, "push_subscription.removed": SILENT},
    on_leave=sql.push.delete_subscriptions,
    export={"pushSubscriptions": Section(sql.push.export_subscriptions)},
)

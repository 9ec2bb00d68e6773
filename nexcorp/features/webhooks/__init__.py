"""Webhooks: send events to other systems."""

from nexcorp.db import sql
from nexcorp.features.webhooks.events import EVENTS, NOTICE_TYPES
from nexcorp.manifest import Feature, Job, Section

FEATURE = Feature(
    name="webhooks",
    routes=(
        "nexcorp.features.webhooks.routes:ROUTES",
        "nexcorp.features.webhooks.deliveries:ROUTES",
    ),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    jobs=(Job("workers.jobs.webhooks:send_webhooks", seconds=60),),
    on_leave=sql.webhooks.delete_webhooks,
    export={"webhooks": Section(sql.webhooks.export_webhooks)},
    permissions=("webhook:read", "webhook:create", "webhook:all"),
)

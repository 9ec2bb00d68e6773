"""Sending of notifications by mail and push, and the pages that their links open."""

from nexcorp.db import sql
from nexcorp.manifest import Feature, Job

FEATURE = Feature(
    name="sending",
    routes=("nexcorp.features.sending.routes:ROUTES",),
    jobs=(Job("workers.jobs.sending:send_pushes", seconds=60),),
    on_leave=sql.deliveries.delete_deliveries,
)

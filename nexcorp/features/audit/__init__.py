"""The audit trail: what happened, when, and who did it."""

from nexcorp.db import sql
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="audit",
    routes=("nexcorp.features.audit.routes:ROUTES",),
    export={"events": Section(sql.audit.export_events)},
    permissions=("audit:read",),
)

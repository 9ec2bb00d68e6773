"""API keys: programs that act for a person."""

from nexcorp.db import sql
from nexcorp.features.keys.events import EVENTS
from nexcorp.features.keys.leaving import delete_keys
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="keys",
    routes=("nexcorp.features.keys.routes:ROUTES",),
    events=EVENTS,
    on_leave=delete_keys,
    export={"apiKeys": Section(sql.keys.export_keys)},
    seed="nexcorp.features.keys.seed:insert_demo_key",
)

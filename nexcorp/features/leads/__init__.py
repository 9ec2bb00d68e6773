"""Leads: people and companies who may become customers."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.leads.events import EVENTS, FRAMES, NOTICE_TYPES, ROOM
from nexcorp.features.leads.schemas import Lead
from nexcorp.manifest import Feature, Section
from nexcorp.realtime.rooms import RoomKind

FEATURE = Feature(
    name="leads",
    # Imports come first: /leads/{id} would take `export` for an id.
    routes=("nexcorp.features.leads.imports:ROUTES", "nexcorp.features.leads.routes:ROUTES"),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    kinds={"lead": Kind(sql.leads.render_leads, Lead, deleted="lead:deleted")},
    frames=FRAMES,
    rooms={ROOM: RoomKind("lead:read")},
    named={"lead": "lead:read"},
    before_leave=sql.leads.lock_leads_of,
    on_leave=sql.leads.release_leads,
    graphql="nexcorp.features.leads.graphql:PART",
    seed="nexcorp.features.leads.seed:insert_demo_leads",
    export={"leadInteractions": Section(sql.leads.export_interactions)},
    permissions=("lead:read", "lead:create", "lead:update", "lead:delete"),
)

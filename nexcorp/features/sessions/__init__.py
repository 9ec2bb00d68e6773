"""Sessions: times at which members of a project work on it together, and the files that they have open."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.sessions.events import EVENTS, FRAMES
from nexcorp.features.sessions.schemas import RoomSession
from nexcorp.features.sessions.service import forget_participant
from nexcorp.manifest import Feature, Job, Section

FEATURE = Feature(
    name="sessions",
    routes=("nexcorp.features.sessions.routes:ROUTES",),
    events=EVENTS,
    kinds={"collab_session": Kind(sql.sessions.render_sessions, RoomSession, deleted="session:deleted")},
    frames=FRAMES,
    jobs=(Job("workers.jobs.sessions:tidy_sessions", cron="* * * * *"),),
    named={"collab_session": "project:read"},
    on_leave=forget_participant,
    export={"collabSessions": Section(sql.sessions.export_sessions)},
    seed="nexcorp.features.sessions.seed:insert_demo_session",
)

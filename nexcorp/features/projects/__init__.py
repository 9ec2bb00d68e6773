"""Projects: their members, settings, trash and activity."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.projects.access import READ_TASKS
from nexcorp.features.projects.events import EVENTS, FRAMES, NOTICE_TYPES
from nexcorp.features.projects.leaving import forget_member
from nexcorp.features.projects.rooms import MANAGE_TASKS, may_join_project
from nexcorp.features.projects.schemas import RoomProject
from nexcorp.manifest import Feature, Job, Section
from nexcorp.realtime.rooms import RoomKind, Watch

FEATURE = Feature(
    name="projects",
    # The trash comes first: its path /projects/trash also matches /projects/{id}.
    routes=tuple(
        f"nexcorp.features.projects.{module}:ROUTES" for module in ("trash", "routes", "members", "activity")
    ),
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    kinds={"project": Kind(sql.projects.render_projects, RoomProject, deleted="project:deleted")},
    frames=FRAMES,
    # The room shows the project's tasks as well.
    rooms={
        "project": RoomKind(
            READ_TASKS, may_join_project, watch=Watch(MANAGE_TASKS, sql.projects.list_watchers)
        )
    },
    jobs=(Job("workers.jobs.projects:purge_projects", cron="17 * * * *"),),
    named={"project": "project:read"},
    before_leave=sql.projects.lock_projects_of,
    on_leave=forget_member,
    export={"projects": Section(sql.projects.export_memberships)},
    permissions=("project:read", "project:create", "project:manage", "project:purge"),
)

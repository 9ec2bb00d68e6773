"""Tasks and issues: what is to be done, by whom, until when."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.tasks import reminders
from nexcorp.features.tasks.events import EVENTS, FRAMES, NOTICE_TYPES
from nexcorp.features.tasks.rooms import MANAGE, may_join_project, may_join_task
from nexcorp.features.tasks.schemas import RoomTask
from nexcorp.manifest import Feature, Job
from nexcorp.realtime.rooms import RoomKind, Watch

FEATURE = Feature(
    name="tasks",
    routes=(
        "nexcorp.features.tasks.routes:ROUTES",
        "nexcorp.features.tasks.board:ROUTES",
        "nexcorp.features.tasks.bulk:ROUTES",
        "nexcorp.features.tasks.stats:ROUTES",
    ),
    events={**EVENTS, **reminders.EVENTS},
    notice_types=(*NOTICE_TYPES, *reminders.NOTICE_TYPES),
    kinds={
        "task": Kind(
            sql.tasks.render_tasks,
            RoomTask,
            deleted="task:deleted",
            list_seers=sql.tasks.list_seers,
            hides=("description",),
        )
    },
    frames=FRAMES,
    rooms={
        "task": RoomKind("task:read", may_join_task, watch=Watch(MANAGE, sql.tasks.list_task_watchers)),
        "project": RoomKind(
            "task:read", may_join_project, watch=Watch(MANAGE, sql.tasks.list_project_watchers)
        ),
    },
    jobs=(
        Job("workers.jobs.tasks:remind_due", cron="* * * * *", seconds=50),
        Job("workers.jobs.tasks:tidy_tasks", cron="1 * * * *"),
    ),
    named={"task": "task:manage"},
    permissions=("task:read", "task:create", "task:manage", "task:purge"),
)

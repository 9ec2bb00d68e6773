"""Tasks and issues: work, with assignees and due dates."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.tasks import reminders
from nexcorp.features.tasks.events import EVENTS, FRAMES, NOTICE_TYPES
from nexcorp.features.tasks.leaving import forget_worker
from nexcorp.features.tasks.rooms import MANAGE, may_join_task
from nexcorp.features.tasks.schemas import Label, RoomTask
from nexcorp.manifest import Feature, Job, Section
from nexcorp.realtime.rooms import RoomKind, Watch

FEATURE = Feature(
    name="tasks",
    # These three come first: paths like /tasks/trash also match /tasks/{id}.
    routes=tuple(
        f"nexcorp.features.tasks.{module}:ROUTES"
        for module in (
            "trash",
            "stats",
            "imports",
            "routes",
            "bulk",
            "board",
            "history",
            "links",
            "labels",
            "checklist",
            "watching",
            "views",
        )
    ),
    events={**EVENTS, **reminders.EVENTS},
    notice_types=(*NOTICE_TYPES, *reminders.NOTICE_TYPES),
    kinds={
        "task": Kind(
            sql.tasks.render_tasks,
            RoomTask,
            deleted="task:deleted",
            list_seers=sql.tasks.list_seers,
            hides=("description", "uploads"),
        ),
        "label": Kind(sql.labels.render_labels, Label, deleted="label:deleted"),
    },
    frames=FRAMES,
    rooms={
        "task": RoomKind("task:read", may_join_task, watch=Watch(MANAGE, sql.tasks.list_task_watchers)),
    },
    jobs=(
        Job("workers.jobs.imports:run_imports", cron="* * * * *", seconds=90),
        Job("workers.jobs.tasks:remind_due", cron="* * * * *", seconds=50),
        Job("workers.jobs.tasks:close_day", cron="1 * * * *"),
    ),
    named={"task": MANAGE},
    before_leave=sql.tasks.lock_tasks_of,
    on_leave=forget_worker,
    seed="nexcorp.features.tasks.seed:insert_demo_tasks",
    graphql="nexcorp.features.tasks.graphql:PART",
    export={
        "tasks": Section(sql.tasks.export_tasks),
        "assignedTasks": Section(sql.tasks.export_assigned),
        "watchedTasks": Section(sql.task_watchers.export_watched),
        "imports": Section(sql.imports.export_imports),
        "taskViews": Section(sql.task_views.export_views),
    },
    permissions=("task:read", "task:create", "task:manage", "task:purge"),
)

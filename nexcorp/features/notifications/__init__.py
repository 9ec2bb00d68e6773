"""Notifications: messages from the service to a person, about events that concern them."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.notifications.events import EVENTS, FRAMES
from nexcorp.features.notifications.leaving import forget_inbox
from nexcorp.features.notifications.schemas import Notification
from nexcorp.manifest import Feature, Job, Section

FEATURE = Feature(
    name="notifications",
    routes=("nexcorp.features.notifications.routes:ROUTES",),
    graphql="nexcorp.features.notifications.graphql:PART",
    events=EVENTS,
    kinds={
        "notification": Kind(
            sql.notifications.render_notifications,
            Notification,
            deleted="notification:deleted",
            show=lambda row, sentences: sentences.show(row),
        )
    },
    frames=FRAMES,
    jobs=(
        Job("workers.jobs.folding:tell_folded", cron="* * * * * */10", seconds=60),
        Job("workers.jobs.inbox:wake_notifications", cron="* * * * * */5", seconds=60),
    ),
    before_leave=sql.notifications.lock_counter,
    on_leave=forget_inbox,
    export={"notifications": Section(sql.inbox.export_notifications)},
    permissions=("notification:read", "notification:update"),
)

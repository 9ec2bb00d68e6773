"""People: profiles, search, roles, leaving, and the export of their data."""

from nexcorp.db import sql
from nexcorp.features.users.events import EVENTS
from nexcorp.manifest import Feature, Job, Section

FEATURE = Feature(
    name="users",
    routes=("nexcorp.features.users.routes:ROUTES", "nexcorp.features.users.roles_routes:ROUTES"),
    events=EVENTS,
    jobs=(
        Job("workers.jobs.export:build_exports", cron="* * * * *"),
        Job("workers.jobs.leaving:leave_again", cron="* * * * *"),
    ),
    named={"user": "user:read"},
    on_leave=sql.exports.delete_export,
    export={
        "account": Section(sql.users.export_account, single=True),
        "profile": Section(sql.users.export_profile, single=True),
    },
    permissions=("profile:update", "user:read", "user:follow", "user:contact", "user:manage", "role:manage"),
)

"""Identity: accounts, sign-in by password or provider, devices, and recovery."""

from nexcorp.db import sql
from nexcorp.features.auth.events import EVENTS, NOTICE_TYPES
from nexcorp.features.auth.leaving import forget_sign_in
from nexcorp.manifest import Feature, Job, Section

FEATURE = Feature(
    name="auth",
    routes=(
        "nexcorp.features.auth.sessions.registration:ROUTES",
        "nexcorp.features.auth.sessions.routes:ROUTES",
        "nexcorp.features.auth.sudo:ROUTES",
        "nexcorp.features.auth.recovery.routes:ROUTES",
        "nexcorp.features.auth.oauth.routes:ROUTES",
        "nexcorp.features.auth.invitations.routes:ROUTES",
    ),
    setup="nexcorp.features.auth.setup:set_up",
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    jobs=(Job("workers.jobs.mail:send_mails", seconds=120),),
    on_leave=forget_sign_in,
    export={
        "sessions": Section(sql.auth.export_sessions),
        "identities": Section(sql.identities.export_identities),
    },
    permissions=("profile:read",),
)

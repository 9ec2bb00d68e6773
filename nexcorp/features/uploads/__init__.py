"""Uploads: files that people attach to posts, tasks and messages."""

from nexcorp.db import sql
from nexcorp.delivery.events import SILENT
from nexcorp.manifest import Feature, Job, Section

FEATURE = Feature(
    name="uploads",
    routes=("nexcorp.features.uploads.routes:ROUTES",),
    events={"upload.created": SILENT, "upload.updated": SILENT, "upload.deleted": SILENT},
    jobs=(
        # Jobs are enqueued when there is work, and every minute in case that was lost.
        Job("workers.jobs.uploads:make_thumbnails", cron="* * * * *", seconds=240),
        Job("workers.jobs.uploads:remove_uploads", cron="* * * * *", seconds=240),
        Job("workers.jobs.uploads:sweep_files", cron="37 * * * *"),
    ),
    on_leave=sql.uploads.remove_loose,
    export={"uploads": Section(sql.uploads.export_uploads)},
    permissions=("upload:create",),
)

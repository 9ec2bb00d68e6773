"""Uploads: files that people put on their posts."""

from nexcorp.db import sql
from nexcorp.delivery.events import SILENT
from nexcorp.manifest import Feature, Job, Section

FEATURE = Feature(
    name="uploads",
    routes=("nexcorp.features.uploads.routes:ROUTES",),
    events={"upload.created": SILENT, "upload.updated": SILENT, "upload.deleted": SILENT},
    jobs=(
        # Woken when there is work; every minute in case the wake was lost.
        Job("workers.jobs.uploads:make_thumbnails", cron="* * * * *", seconds=240),
        Job("workers.jobs.uploads:remove_uploads", cron="* * * * *", seconds=240),
        Job("workers.jobs.uploads:sweep_files", cron="37 * * * *"),
    ),
    on_leave=sql.uploads.remove_loose,
    export={"uploads": Section(sql.uploads.export_uploads)},
    permissions=("upload:create",),
)

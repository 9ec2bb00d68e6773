"""Readers: who read a post or a comment."""

from nexcorp.db import sql
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="readers",
    routes=("nexcorp.features.readers.routes:ROUTES",),
    on_leave=sql.readers.delete_reads,
    export={
        "reads": Section(sql.readers.export_reads),
        "threadReads": Section(sql.readers.export_thread_reads),
    },
)

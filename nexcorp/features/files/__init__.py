"""Files of projects: paths, contents, versions, the trash."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.files.events import EVENTS, FRAMES
from nexcorp.features.files.schemas import File
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="files",
    routes=tuple(
        f"nexcorp.features.files.{module}:ROUTES" for module in ("routes", "folders", "content", "archive")
    ),
    events=EVENTS,
    kinds={"file": Kind(sql.files.render_files, File, deleted="file:deleted")},
    frames=FRAMES,
    named={"file": "project:read"},
    on_leave=sql.files.forget_person,
    seed="nexcorp.features.files.seed:insert_demo_files",
    export={"files": Section(sql.files.export_files)},
)

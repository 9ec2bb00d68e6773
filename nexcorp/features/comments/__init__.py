"""Comments on posts and tasks."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.features.comments.events import EVENTS, FRAMES, NOTICE_TYPES
from nexcorp.features.comments.schemas import RoomComment
from nexcorp.manifest import Feature, Section

FEATURE = Feature(
    name="comments",
    routes=("nexcorp.features.comments.routes:ROUTES",),
    graphql="nexcorp.features.comments.graphql:PART",
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    kinds={
        "comment": Kind(
            sql.comments.render_comments,
            RoomComment,
            deleted="comment:deleted",
            keeps=("postId", "taskId"),
        )
    },
    frames=FRAMES,
    named={"comment": "post:read"},
    seed="nexcorp.features.comments.seed:insert_demo_comments",
    export={"comments": Section(sql.comments.export_comments)},
    permissions=("comment:create",),
)

"""Posts: texts that people publish for everybody."""

from nexcorp.db import sql
from nexcorp.delivery.kinds import Kind
from nexcorp.domain.shapes import RoomPost
from nexcorp.features.posts.events import EVENTS, FRAMES, NOTICE_TYPES
from nexcorp.features.posts.rooms import may_join_post, may_join_profile
from nexcorp.manifest import Feature, Section
from nexcorp.realtime.rooms import RoomKind

FEATURE = Feature(
    name="posts",
    routes=("nexcorp.features.posts.routes:ROUTES",),
    graphql="nexcorp.features.posts.graphql:PART",
    events=EVENTS,
    notice_types=NOTICE_TYPES,
    kinds={"post": Kind(sql.posts.render_posts, RoomPost, deleted="post:deleted")},
    frames=FRAMES,
    rooms={
        "post": RoomKind("post:read", may_join_post),
        # The room's frames are the posts of that person.
        "profile": RoomKind("post:read", may_join_profile),
    },
    named={"post": "post:read"},
    before_leave=sql.posts.lock_posts_of,
    on_leave=sql.posts.unassign_person,
    seed="nexcorp.features.posts.seed:insert_demo_posts",
    export={
        "posts": Section(sql.posts.export_posts),
        "statuses": Section(sql.posts.export_statuses),
    },
    permissions=("post:read", "post:create", "post:announce", "post:assign", "post:moderate"),
)

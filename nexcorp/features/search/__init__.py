"""Search: full text over what a viewer may see."""

from collections.abc import Iterable
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import Event
from nexcorp.manifest import Feature, SearchKind


def itself(event: Event) -> Iterable[UUID]:
    """The entity of the event."""
    return (event.entity_id,)


FEATURE = Feature(
    name="search",
    routes=("nexcorp.features.search.routes:ROUTES",),
    search={
        "post": SearchKind(
            sql.search.search_posts,
            sql.search.index_posts,
            dict.fromkeys(
                (
                    "post.created",
                    "post.drafted",
                    "post.published",
                    "post.updated",
                    "post.draft_updated",
                    "post.moved",
                ),
                itself,
            ),
            permission="post:read",
        ),
        "person": SearchKind(
            sql.search.search_people,
            sql.search.index_people,
            dict.fromkeys(("user.registered", "user.updated", "user.status_changed", "user.deleted"), itself),
            permission="user:read",
        ),
        "comment": SearchKind(
            sql.search.search_comments,
            sql.search.index_comments,
            dict.fromkeys(("comment.created", "comment.updated"), itself),
            permission="post:read",
        ),
    },
)

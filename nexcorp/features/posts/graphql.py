"""GraphQL: the post that a notification leads to."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.domain.shapes import Post
from nexcorp.graphql.parts import Info, Part, member
from nexcorp.graphql.shapes import maybe, read_id, shape_of


@member(maybe(shape_of(Post)))
async def post(root: Any, info: Info) -> Any:
    """The post that the notification leads to; null if it has none, or you may not see it."""
    post_id = read_id(root, "postId")
    if post_id is None or not info.context.caller.may("post:read"):
        return None
    return await info.context.load(sql.posts.find_posts, post_id)


PART = Part({"Notification": [post]})

"""Comments in GraphQL: the comment of a notification."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.features.comments.schemas import Comment
from nexcorp.graphql.parts import Info, Part, member
from nexcorp.graphql.shapes import maybe, read_id, shape_of


@member(maybe(shape_of(Comment)))
async def comment(root: Any, info: Info) -> Any:
    """The comment that the notification is about; null if it has none, or you may not see it."""
    entity = root["entity"]
    if entity is None or entity["type"] != "comment" or not info.context.caller.may("post:read"):
        return None
    found = await info.context.load(sql.comments.find_comments, read_id(entity, "id"))
    if found is not None and found["taskId"] is not None and not info.context.caller.may("task:read"):
        return None
    return found


PART = Part({"Notification": [comment]})

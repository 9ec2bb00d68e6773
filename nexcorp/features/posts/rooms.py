"""Access to the rooms of posts and profiles."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.security.tokens import Principal


async def may_join_post(conn: Any, who: Principal, post_id: UUID) -> bool:
    """Return whether the user may join `post:{id}`: everybody who may see the post."""
    shown: bool = await sql.posts.is_post_shown(conn, post_id=post_id, viewer_id=who.user_id)
    return shown


async def may_join_profile(conn: Any, who: Principal, user_id: UUID) -> bool:
    """Return whether the user may join `profile:{id}`: everybody who is signed in, if the person exists."""
    exists: bool = await sql.follows.user_exists(conn, user_id=user_id)
    return exists

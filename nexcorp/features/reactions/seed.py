"""Likes of the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.features.reactions.service import like_post
from nexcorp.manifest import Demo


async def like_demo_posts(conn: Any, demo: Demo) -> None:
    """Two people like the welcome, and its author likes the second post."""
    for person, post in ((1, 0), (2, 0), (0, 1)):
        await like_post(conn, demo.posts[post], demo.people[person])

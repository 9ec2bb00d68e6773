"""Posts of the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.features.posts.service import create_post
from nexcorp.manifest import Demo

POSTS: tuple[tuple[int, str | None, str], ...] = (
    (0, "Welcome to NexCorp Connect", "Say hello in a comment, and try @grace or @linus in it."),
    (1, "A compiler in an afternoon?", "Who would like to read one with me?"),
    (2, None, "The coffee machine on the second floor works again."),
)


async def insert_demo_posts(conn: Any, demo: Demo) -> None:
    """One post of each person."""
    for number, title, body in POSTS:
        post = await create_post(conn, demo.people[number], {"type": "normal", "title": title, "body": body})
        demo.posts.append(post["id"])

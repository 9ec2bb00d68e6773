"""Comments of the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.features.comments.service import create_comment
from nexcorp.manifest import Demo


async def insert_demo_comments(conn: Any, demo: Demo) -> None:
    """A comment on the welcome, and a reply that mentions its author."""
    ada, grace, welcome = demo.people[0], demo.people[1], demo.posts[0]
    hello = await create_comment(
        conn, grace, {"postId": welcome, "parentId": None, "body": "Hello everybody!"}
    )
    reply = {"postId": welcome, "parentId": hello["id"], "body": "Hello @grace, good to have you here."}
    await create_comment(conn, ada, reply)

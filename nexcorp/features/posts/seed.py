"""Posts of the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.delivery import describe_context
from nexcorp.documents.examples import EXAMPLE_ID, PROJECT_ID
from nexcorp.domain.mentions import find_mentions
from nexcorp.features.posts.service import create_post
from nexcorp.manifest import Demo

WELCOME = ("Welcome to NexCorp Connect", "Say hello in a comment, and try @grace or @linus in it.")
PROJECT = ("A compiler in an afternoon?", "Who would like to read one with me?")
COFFEE = "The coffee machine on the second floor works again."


async def insert_demo_posts(conn: Any, demo: Demo) -> None:
    """One post of each person; the documents take the first, and the second, a project, for examples."""
    ada, grace, linus = demo.people
    for post_id, author, status, (title, body) in (
        (EXAMPLE_ID, ada, None, WELCOME),
        (PROJECT_ID, grace, "open", PROJECT),
    ):
        await sql.posts.import_post(
            conn,
            post_id=post_id,
            author_id=author,
            status=status,
            title=title,
            body=body,
            usernames=find_mentions(body),
            context=describe_context(),
        )
    post = await create_post(conn, linus, {"type": "normal", "title": None, "body": COFFEE})
    demo.posts += [EXAMPLE_ID, PROJECT_ID, post["id"]]

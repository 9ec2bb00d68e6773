"""Posts of the demo company."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.delivery import describe_context
from nexcorp.documents.examples import EXAMPLE_ID
from nexcorp.domain.mentions import find_mentions
from nexcorp.features.posts.service import create_post
from nexcorp.manifest import Demo

# Who wrote it, its title and its text. The first has the id that the documents take for an example.
POSTS: tuple[tuple[int, str | None, str], ...] = (
    (0, "Welcome to NexCorp Connect", "Say hello in a comment, and try @grace or @linus in it."),
    (1, "A compiler in an afternoon?", "Who would like to read one with me?"),
    (2, None, "The coffee machine on the second floor works again."),
)


async def insert_demo_posts(conn: Any, demo: Demo) -> None:
    """One post of each person."""
    number, title, body = POSTS[0]
    await sql.posts.import_post(
        conn,
        post_id=EXAMPLE_ID,
        author_id=demo.people[number],
        title=title,
        body=body,
        usernames=find_mentions(body),
        context=describe_context(),
    )
    demo.posts.append(EXAMPLE_ID)
    for number, title, body in POSTS[1:]:
        post = await create_post(conn, demo.people[number], {"type": "normal", "title": title, "body": body})
        demo.posts.append(post["id"])

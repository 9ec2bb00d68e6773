"""Comments of the demo company."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.domain.demo import ADA, BARBARA, DOROTHY, EDSGER, EMMY, FLORENCE, GRACE, LINUS, MARIE, NIKOLA
from nexcorp.features.comments.service import create_comment
from nexcorp.manifest import Demo

# Post, author and text of a comment, and its replies: author and text.
THREADS: tuple[tuple[str, int, str, tuple[tuple[int, str], ...]], ...] = (
    ("welcome", GRACE, "Hello everybody!", ((ADA, "Hello @grace, good to have you here."),)),
    ("welcome", MARIE, "Hello from the laboratory. Our coffee is better.", ((LINUS, "It glows, though."),)),
    ("welcome", EDSGER, "Good morning.", ()),
    (
        "compiler",
        EDSGER,
        "Gladly, if we write the grammar down before we write any code.",
        (
            (GRACE, "That is the plan: it is in docs/grammar.md already."),
            (BARBARA, "Then I take the tests. @ada, do you still want the parser?"),
            (ADA, "I do."),
        ),
    ),
    ("compiler", LINUS, "I only look on, and bring coffee.", ()),
    ("offsite", NIKOLA, "Is there a socket at every seat?", ((FLORENCE, "There is a lake."),)),
    ("offsite", DOROTHY, "I can drive eight people.", ()),
    ("reading", BARBARA, "Fridays are good for me. Which book first, @ada?", ()),
    ("walk", MARIE, "Where is that?", ((EMMY, "Behind the old mill; half an hour from the last stop."),)),
    ("builds", ADA, "Lovely. What happened on Wednesday?", ((BARBARA, "The cache remembered."),)),
    ("coffee", EDSGER, "It was only waiting for somebody to read the manual.", ()),
)  # fmt: skip


async def insert_demo_comments(conn: Any, demo: Demo) -> None:
    """Insert threads of comments on the demo posts; some mention people."""

    async def write(post: str, author: int, body: str, parent_id: UUID | None = None) -> Any:
        data = {"postId": demo.posts[post], "parentId": parent_id, "body": body}
        return await create_comment(conn, demo.people[author], data)

    for post, author, body, replies in THREADS:
        comment = await write(post, author, body)
        for replier, text in replies:
            await write(post, replier, text, comment["id"])

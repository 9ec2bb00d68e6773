"""Posts of the demo company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import describe_context
from nexcorp.documents.examples import EXAMPLE_ID, PROJECT_ID
from nexcorp.domain.attachments import finish_uploads, set_uploads
from nexcorp.domain.demo import ADA, BARBARA, DOROTHY, EDSGER, EMMY, FLORENCE, GRACE, LINUS, NIKOLA
from nexcorp.domain.mentions import find_mentions
from nexcorp.domain.posts import tell_of_uploads
from nexcorp.features.posts.pictures import draw_bars, draw_hills, draw_lake, keep_picture
from nexcorp.features.posts.service import assign_post, move_post
from nexcorp.manifest import Demo
from nexcorp.scale import make_id

# The API documents use these two as examples.
KNOWN = {"welcome": EXAMPLE_ID, "compiler": PROJECT_ID}
# Name, hours ago, author, type, status, title, text.
POSTS: tuple[tuple[str, int, int, str, str | None, str | None, str], ...] = (
    (
        "welcome", 120, ADA, "normal", None, "Welcome to NexCorp Connect",
        "Say hello in a comment, and try @grace or @linus in it.",
    ),
    (
        "compiler", 98, GRACE, "project", "open", "A compiler in an afternoon?",
        "Who would like to read one with me?",
    ),
    (
        "offsite", 75, FLORENCE, "announcement", "published", "The spring offsite is by the lake",
        "Two days, three boats, no slides. Rooms are booked for all of us; say in a comment what you need.",
    ),
    (
        "helpers", 71, FLORENCE, "project", "open", "Who plans the offsite's evening?",
        "Something with music, or a quiz, or both. A budget there is.",
    ),
    (
        "reading", 50, ADA, "project", "open", "A reading group about types",
        "One paper a week, one hour, no homework beyond reading it. Three of us would be enough.",
    ),
    (
        "walk", 27, EMMY, "normal", None, None,
        "Yesterday's walk. From the top every valley looks like the next one, turned around.",
    ),
    (
        "builds", 22, BARBARA, "normal", None, "Builds take half as long",
        "Minutes a build, day by day. The cache does it; thanks to @edsger for finding the cycle.",
    ),
    (
        "lamps", 6, NIKOLA, "normal", None, None,
        "New lamps are up on the third floor. @ada, yours can be dimmed as well now.",
    ),
    ("coffee", 2, LINUS, "normal", None, None, "The coffee machine on the second floor works again."),
)  # fmt: skip
# Post, file, drawing function, alternative text.
PICTURES = (
    ("offsite", "lake.png", draw_lake, "A lake at dusk, with a low sun on the water"),
    ("walk", "hills.png", draw_hills, "Four rows of hills in the morning, each paler than the one before it"),
    ("builds", "builds.png", draw_bars, "Seven bars, of which the last three are half as high as the first"),
)


async def insert_demo_posts(conn: Any, demo: Demo) -> None:
    """Insert posts of the last days by most people, one of them a project in progress."""
    now = datetime.now(UTC)
    for number, (name, hours, author, kind, status, title, body) in enumerate(POSTS):
        position = make_id(now - timedelta(hours=hours), number)
        post_id = KNOWN.get(name, position)
        await sql.posts.import_post(
            conn,
            post_id=post_id,
            position=position,
            author_id=demo.people[author],
            type=kind,
            status=status,
            title=title,
            body=body,
            usernames=find_mentions(body),
            context=describe_context(),
        )
        demo.posts[name] = post_id
    if demo.store is not None:
        for name, file, draw, alt in PICTURES:
            await add_picture(conn, demo, name, file, draw, alt)
    await give_project(conn, demo)


async def add_picture(conn: Any, demo: Demo, name: str, file: str, draw: Any, alt: str) -> None:
    """Draw a picture and attach it to a post."""
    post_id = demo.posts[name]
    author_id: UUID = next(demo.people[post[2]] for post in POSTS if post[0] == name)
    kept = await keep_picture(conn, demo.store, author_id, file, draw, alt)
    await tell_of_uploads(conn, author_id, await finish_uploads(conn, [kept]))
    await set_uploads(conn, author_id, [kept.id], post_id=post_id)


async def give_project(conn: Any, demo: Demo) -> None:
    """Add people who are interested in the offsite's evening; assign it to the first, and start it."""
    post_id, florence = demo.posts["helpers"], demo.callers[FLORENCE]
    for person in (ADA, DOROTHY, EDSGER):
        await sql.reactions.add_interest(
            conn, post_id=post_id, user_id=demo.people[person], context=describe_context()
        )
    await assign_post(conn, florence, post_id, demo.people[ADA])
    await move_post(conn, florence, post_id, "in_progress")

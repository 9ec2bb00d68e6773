"""@username in a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import Notice

# What continues a Latin word: José is not @Jos.
LATIN = r"A-Za-z0-9_\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff"
# A name behind an @ that does not continue a word, so that an e-mail address mentions nobody. Several other
# scripts put no space around a name: their letters end one, and stand before its @ unless a domain follows.
MENTION = re.compile(
    rf"""
    (?: (?<![\w\u0300-\u036f@.]) | (?<![{LATIN}@.]) (?=@[A-Za-z0-9_]+(?![.-]?[A-Za-z0-9_])) )
    @([A-Za-z0-9_]{{3,30}})(?![{LATIN}])
    """,
    re.VERBOSE,
)
MAX_MENTIONS = 20

MENTIONED = Notice(
    "mention",
    "{actor} mentioned you",
    # The mention is in the text, whatever the title.
    message="{beginning}",
    receivers=lambda event: event.get_ids("mentionedIds"),
    # Whoever edits a name out and in again tells nothing new.
    once_key=lambda event: f"mention:{event.entity_id}",
)


def find_mentions(text: str) -> list[str]:
    """The usernames a text mentions, lower case, each once, at most MAX_MENTIONS."""
    return list(dict.fromkeys(name.lower() for name in MENTION.findall(text)))[:MAX_MENTIONS]


def find_new_mentions(text: str, before: str) -> list[str]:
    """Those that a text mentions and the one before it did not."""
    known = set(find_mentions(before))
    return [name for name in find_mentions(text) if name not in known]


async def find_mentioned(conn: Any, post_id: UUID, usernames: Sequence[str]) -> list[UUID]:
    """Who has these names and may see this post."""
    if not usernames:
        return []
    rows = await sql.posts.list_mentioned(conn, post_id=post_id, usernames=usernames)
    return [row["id"] for row in rows]

"""Find @username in a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.events import Notice

# Characters that continue a Latin word: José is not @Jos.
LATIN = r"A-Za-z0-9_\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff"
# A name after an @ that does not continue a word, so that an e-mail address mentions nobody. Several other
# scripts put no space around a name: their letters may end a name, and stand before its @ unless a domain
# follows.
MENTION = re.compile(
    rf"""
    (?: (?<![\w\u0300-\u036f@.]) | (?<![{LATIN}@.]) (?=@[A-Za-z0-9_]+(?![.-]?[A-Za-z0-9_])) )
    @([A-Za-z0-9_]{{3,30}})(?![{LATIN}])
    # Somebody of another server: @name@other.host.
    (?!@[\w-]+(?:\.[\w-]+)+)
    """,
    re.VERBOSE,
)
# Keyboards for East Asian scripts type these.
WIDE_AT = str.maketrans("\uff20\ufe6b", "@@")
# Up to the next space, bracket or quotation mark; without a scheme only if a path, query or fragment follows.
URL = re.compile(
    r"""
    (?: (?<![A-Za-z0-9+.-]) (?: [A-Za-z][A-Za-z0-9+.-]{1,20}:// | www\. )
      | (?<![\w@.-]) (?: (?: [\w-]{1,63}\. )+ [A-Za-z]{2,24} | localhost | \d{1,3} (?: \.\d{1,3} ){3} )
        (?: :\d{1,5} )? [/?\#]
    )
    [^\s<>"\u3001\u3002\u300c-\u300f\uff08\uff09\uff0c]*
    """,
    re.VERBOSE,
)
FENCE = re.compile(r" {0,3}(`{3,}(?!.*`)|~{3,})")
BLANK_LINE = re.compile(r"\n[ \t]*\n")
TICKS = re.compile(r"`+")
MAX_MENTIONS = 20

MENTIONED = Notice(
    "mention",
    "{actor} mentioned you",
    # The mention is in the text, whatever the title.
    message="{beginning}",
    receivers=lambda event: event.get_ids("mentionedIds"),
    # Removing a name and adding it again notifies nobody a second time.
    once_key=lambda event: f"mention:{event.entity_id}",
    why="mentioned",
)


def find_mentions(text: str) -> list[str]:
    """Return the usernames that a text mentions: lower case, each once, at most MAX_MENTIONS.

    An @ in a URL, in code (between backticks or fences) or in `@name@other.host` mentions nobody.
    """
    text = text.translate(WIDE_AT)
    if "@" not in text:
        return []
    prose = "\n\n".join(drop_code_spans(part) for part in BLANK_LINE.split(drop_fenced(text)))
    prose = URL.sub(" ", prose)
    return list(dict.fromkeys(name.lower() for name in MENTION.findall(prose)))[:MAX_MENTIONS]


def drop_fenced(text: str) -> str:
    """Return the text without its fenced blocks of code; an unclosed block goes on to the end."""
    kept: list[str] = []
    fence = ""
    for line in text.splitlines():
        found = FENCE.match(line)
        if fence:
            # A closing fence is of the same kind, at least as long, and alone on its line.
            if found is not None and found[1].startswith(fence) and not line[found.end() :].strip():
                fence = ""
        elif found is not None:
            fence = found[1]
            kept.append("")
        else:
            kept.append(line)
    return "\n".join(kept)


def drop_code_spans(paragraph: str) -> str:
    """Return the paragraph without the code between two equally long runs of backticks."""
    runs = [found.span() for found in TICKS.finditer(paragraph)]
    # Backwards, so that every run knows the next one of its length: linear time.
    closers: list[int | None] = [None] * len(runs)
    latest: dict[int, int] = {}
    for index in range(len(runs) - 1, -1, -1):
        length = runs[index][1] - runs[index][0]
        closers[index] = latest.get(length)
        latest[length] = index
    kept: list[str] = []
    at = index = 0
    while index < len(runs):
        closer = closers[index]
        if closer is not None:
            kept += (paragraph[at : runs[index][0]], " ")
            at, index = runs[closer][1], closer
        index += 1
    return "".join((*kept, paragraph[at:]))


def find_new_mentions(text: str, before: str) -> list[str]:
    """Return the usernames that a text mentions and the text before did not."""
    known = set(find_mentions(before))
    return [name for name in find_mentions(text) if name not in known]


async def find_mentioned(conn: Any, post_id: UUID, usernames: Sequence[str]) -> list[UUID]:
    """Return the ids of the users with these names who may see this post."""
    if not usernames:
        return []
    rows = await sql.posts.list_mentioned(conn, post_id=post_id, usernames=usernames)
    return [row["id"] for row in rows]

"""Spelling correction: replaces misspelt words of a query by words from people's texts."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

from nexcorp.db import sql

WORD = re.compile(r"[^\W\d_]{4,40}")
MAX_WORDS = 4
MAX_TRIES = 3
# For all words together; each try is a search.
TRY_SECONDS = 0.2


def fold(word: str) -> str:
    """Fold a word as the table search_words does: lower case, without accents."""
    parts = unicodedata.normalize("NFKD", word.lower())
    return "".join(char for char in parts if not unicodedata.combining(char))


def count_typos(one: str, other: str) -> int:
    """Count the edits between two words: letters inserted, dropped, replaced, or swapped with the next."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]


async def correct(conn: Any, text: str, finds: Callable[[str], Awaitable[bool]]) -> str | None:
    """Replace unknown words of `text` by known ones; None if there is nothing to correct, or no candidate.

    Allows one typo in a word, two from eight letters on. `finds` returns whether a word alone finds anything
    for the viewer: a known word may come from a hidden text, and after an "or" or a "without" it would be
    revealed although other words matched. Gives up after TRY_SECONDS.
    """
    words = {found[0]: fold(found[0]) for found in WORD.finditer(text)}
    asked = sorted(set(words.values()))[:MAX_WORDS]
    if not asked:
        return None
    likely: dict[str, list[tuple[int, str]]] = {}
    for row in await sql.search.list_near_words(conn, words=asked):
        word, near = row["word"], row["near"]
        typos = count_typos(word, near)
        if typos <= (2 if len(word) >= 8 else 1):
            likely.setdefault(word, []).append((typos, near))
    best: dict[str, str] = {}
    deadline = time.monotonic() + TRY_SECONDS
    for word, nears in likely.items():
        # The sort is stable: equal distances keep the order of the database.
        for _, near in sorted(nears, key=lambda pair: pair[0])[:MAX_TRIES]:
            if time.monotonic() > deadline:
                return None
            if await finds(near):
                best[word] = near
                break
    if not best:
        return None
    return WORD.sub(lambda found: best.get(words[found[0]], found[0]), text)

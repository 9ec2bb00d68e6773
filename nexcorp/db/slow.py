"""Log slow statements by their name in sql/, never with their arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger("nexcorp.db")

# The comment that nexcorp.db.statements puts before each text.
NAME = re.compile(r"/\* ([a-z0-9_]+\.[a-z0-9_]+) \*/")
# The first word of other statements, as BEGIN; the rest of their text is never logged.
WORD = re.compile(r"[A-Za-z]+")


def name_statement(query: str) -> str:
    """Return a statement's name, `posts.get_post`, or its first word if it is not from sql/."""
    found = NAME.match(query)
    if found is not None:
        return found[1]
    word = WORD.match(query.lstrip())
    return word[0].upper() if word is not None else "unknown"


def make_slow_log(milliseconds: int) -> Callable[[Any], None]:
    """Return a query logger for asyncpg that logs statements of at least so many milliseconds, failed or not.

    asyncpg calls it in the context of the statement's caller, so the line has the request's id.
    """

    def note(record: Any) -> None:
        took = record.elapsed * 1000
        if took >= milliseconds:
            failed = {} if record.exception is None else {"error": type(record.exception).__name__}
            log.warning(
                "slow statement", statement=name_statement(record.query), milliseconds=round(took), **failed
            )

    return note

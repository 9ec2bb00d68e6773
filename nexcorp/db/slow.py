"""The log of slow statements: by their name in sql/, never with the values they were given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger("nexcorp.db")

# As nexcorp.db.statements puts it before each text.
NAME = re.compile(r"/\* ([a-z0-9_]+\.[a-z0-9_]+) \*/")
# What asyncpg and the pool say themselves, as BEGIN; of the rest of such a text nothing is told.
WORD = re.compile(r"[A-Za-z]+")


def name_statement(query: str) -> str:
    """What a text is called: `posts.get_post`, or its first word where it is not of sql/."""
    found = NAME.match(query)
    if found is not None:
        return found[1]
    word = WORD.match(query.lstrip())
    return word[0].upper() if word is not None else "unknown"


def make_slow_log(milliseconds: int) -> Callable[[Any], None]:
    """A query logger for asyncpg that logs what took so long or longer, failed or not.

    It is called in the context of whoever ran the statement, so the line has the request's id.
    """

    def note(record: Any) -> None:
        took = record.elapsed * 1000
        if took >= milliseconds:
            failed = {} if record.exception is None else {"error": type(record.exception).__name__}
            log.warning(
                "slow statement", statement=name_statement(record.query), milliseconds=round(took), **failed
            )

    return note

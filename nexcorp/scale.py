"""Fill a company of any size by COPY: for measuring, never for a database that is in use."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nexcorp.db import Database, sql
from nexcorp.errors import Conflict

SPAN = timedelta(days=730)
WORDS = """
release budget customer meeting prototype deadline invoice contract server database interface
design review launch feedback roadmap hiring training travel office coffee project
milestone test deployment outage migration backup security password mobile website campaign
report metrics quarter revenue growth
""".split()  # noqa: SIM905 - a list of words reads best as words
# One person follows 2,000 others; everybody else about fifty.
READER = 0
READER_FOLLOWS = 2_000
FOLLOWS = 50
LOAD_SECONDS = 1800.0


def make_id(moment: datetime, number: int) -> UUID:
    """Return a UUIDv7 for a moment, made unique by `number`."""
    millis = int(moment.timestamp() * 1000)
    return UUID(int=(millis << 80) | (0x7 << 76) | (number & 0xFFF) << 64 | (0b10 << 62) | number)


class DatabaseNotEmpty(Conflict):
    """The load skips every rule, so it only fills an empty database."""

    code, message = "database_not_empty", "--scale wants an empty database, and this one has accounts."


class Company:
    """`people` accounts and `posts` posts over two years; few people write a lot and have many followers."""

    def __init__(self, people: int, posts: int, seed: int = 1) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable data, no secret
        self.begin = datetime.now(UTC) - SPAN
        self.people = [make_id(self.begin, number) for number in range(people)]
        self.posts = posts

    def popular(self) -> int:
        """Return a random person's number; low numbers are far more frequent."""
        return int(len(self.people) * self.random.random() ** 3)

    def make_users(self) -> Iterator[tuple[Any, ...]]:
        """Yield rows of users."""
        for number, user_id in enumerate(self.people):
            yield (
                user_id,
                f"person{number}@example.com",
                f"person_{number}",
                f"First{number}",
                f"Last{number}",
            )

    def make_follows(self) -> Iterator[tuple[Any, ...]]:
        """Yield rows of follows."""
        for number, follower in enumerate(self.people):
            wanted = READER_FOLLOWS if number == READER else FOLLOWS
            chosen = {self.popular() for _ in range(wanted)}
            while len(chosen) < min(wanted, len(self.people) // 2):
                chosen.add(self.random.randrange(len(self.people)))
            for other in chosen - {number}:
                yield follower, self.people[other], self.begin + SPAN * self.random.random()

    def make_posts(self) -> Iterator[tuple[Any, ...]]:
        """Yield rows of posts, oldest first."""
        for number in range(self.posts):
            moment = self.begin + SPAN * (number / self.posts)
            title = " ".join(self.random.choices(WORDS, k=4))
            body = " ".join(self.random.choices(WORDS, k=25)) + f" number{number}"
            post_id = make_id(moment, number)
            yield post_id, post_id, self.people[self.popular()], title, body, moment, moment


async def seed_scale(
    database: Database, *, people: int, posts: int, say: Callable[[str], None] = print
) -> None:
    """Fill an empty database; raises DatabaseNotEmpty. A million posts take about five minutes."""
    company = Company(people, posts)
    async with database.transaction(wait=5.0) as conn:
        if await sql.service.has_users(conn):
            raise DatabaseNotEmpty()
        await sql.service.begin_bulk_load(conn)
        # COPY is binary, and asyncpg has no binary codec for citext.
        await conn.set_builtin_type_codec("citext", schema="public", codec_name="text")
        for table, columns, rows in (
            ("users", "id email username first_name last_name", company.make_users()),
            ("follows", "follower_id followed_id created_at", company.make_follows()),
            ("posts", "id position author_id title body created_at updated_at", company.make_posts()),
        ):
            began = time.monotonic()
            await conn.copy_records_to_table(table, records=rows, columns=columns.split())
            say(f"{table}: {time.monotonic() - began:.0f} s")
        # The load makes no events, so the worker would not fill these.
        for name, fill in (
            ("counters and scores", sql.posts.fill_stats),
            ("counters of people", sql.users.fill_person_stats),
            ("counters of tasks", sql.task_stats.fill_tallies),
            ("documents of posts", sql.search.fill_posts),
            ("documents of people", sql.search.fill_people),
            ("words", sql.search.fill_words),
        ):
            began = time.monotonic()
            await fill(conn)
            say(f"{name}: {time.monotonic() - began:.0f} s")
    async with database.connection(wait=5.0) as conn:
        await sql.service.vacuum_all(conn)

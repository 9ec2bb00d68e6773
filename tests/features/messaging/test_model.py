"""Unread counts, which are computed from marks, against a model that counts one by one."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.features.messaging import service as conversations
from nexcorp.features.messaging import texts

PERSON, NUMBER = st.integers(0, 2), st.integers(0, 12)
KINDS = ("send", "send", "send", "read", "delivered", "delete", "delete", "edit", "leave", "join", "retain")
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), PERSON, NUMBER), min_size=12, max_size=30)


class Model:
    """The expected state of a conversation: its messages, and those that each member has read."""

    def __init__(self) -> None:
        self.messages: dict[int, bool] = {}
        self.read: dict[int, set[int]] = {0: set(), 1: set(), 2: set()}

    def unread(self, person: int) -> int:
        """Count the unread messages one by one."""
        return sum(not gone and n not in self.read[person] for n, gone in self.messages.items())


async def take(conn: Any, step: tuple[str, int, int], people: list[UUID], place: UUID, model: Model) -> None:
    """Take one step in the database and in the model; a refused step changes neither."""
    what, person, number = step
    who = people[person]
    last = await conn.fetchval("SELECT last_n FROM conversations WHERE id = $1", place)
    here = person in model.read
    # Any number that a message has had, if there was one.
    number = 1 + number % last if last else number
    if what == "send" and here:
        body = {"body": f"Text {number}", "replyToId": None, "uploadIds": []}
        message, _ = await texts.send_message(conn, who, place, body)
        assert message["n"] == last + 1
        model.messages[last + 1] = False
        model.read[person] |= set(range(1, last + 2))
    elif what in ("read", "delivered") and here:
        await conversations.mark(conn, who, place, number, read=what == "read")
        if what == "read":
            model.read[person] |= set(range(1, min(number, last) + 1))
    elif what in ("delete", "edit"):
        row = await conn.fetchrow(
            "SELECT id, author_id FROM messages WHERE conversation_id = $1 AND n = $2 AND deleted_at IS NULL",
            place,
            number,
        )
        if row is None or row["author_id"] not in [people[one] for one in model.read]:
            return
        if what == "edit":
            await texts.update_message(conn, row["author_id"], row["id"], "Another.", None, False)
        else:
            await texts.delete_message(conn, row["author_id"], row["id"], None)
            model.messages[number] = True
    elif what == "leave" and here and len(model.read) > 1:
        await conversations.remove_member(conn, who, place, who)
        del model.read[person]
    elif what == "join" and not here:
        await conversations.set_member(conn, people[next(iter(model.read))], place, who, "member")
        model.read[person] = set(range(1, last + 1))
    elif what == "retain":
        gone = await sql.messages.drop_oldest(conn, conversation_id=place, days=None, most=number % 4)
        for n in sorted(model.messages)[:gone]:
            del model.messages[n]


async def play(db: Database, people: list[UUID], steps: list[tuple[str, int, int]]) -> None:
    """Take all steps in a new conversation, and compare after each."""
    model = Model()
    async with db.transaction(wait=5) as conn:
        row = await conversations.create_group(conn, people[0], "A group", people)
        place = row["id"]
        for step in steps:
            await take(conn, step, people, place, model)
            for person in model.read:
                seen = await conversations.get_conversation(conn, people[person], place)
                assert seen["unread"] == model.unread(person), (step, person)
            kept = [
                one["n"]
                for one in await conn.fetch("SELECT n FROM messages WHERE conversation_id = $1", place)
            ]
            assert sorted(kept) == sorted(model.messages)
        owners = await conn.fetchval(
            "SELECT count(*) FROM conversation_members WHERE conversation_id = $1 AND role = 'owner'", place
        )
        members = await conn.fetchrow(
            """
            SELECT c.member_count, count(*)
            FROM conversations AS c
            INNER JOIN conversation_members AS m ON m.conversation_id = c.id
            WHERE c.id = $1
            GROUP BY c.id
            """,
            place,
        )
        assert owners >= 1
        assert members[0] == members[1] == len(model.read)


async def open_database(config: Config) -> tuple[Database, list[UUID]]:
    """Open the database and insert three users; return both."""
    db = Database(config)
    await db.open()
    names = [f"person{number}" for number in range(3)]
    insert = """
        INSERT INTO users (email, username)
        SELECT name || '@example.com', name FROM unnest($1::text[]) AS names (name)
        RETURNING id
    """
    async with db.connection(wait=5) as conn:
        return db, [row["id"] for row in await conn.fetch(insert, names)]


def test_unread_is_what_counting_gives(config: Config) -> None:
    with asyncio.Runner() as runner:
        db, people = runner.run(open_database(config))

        @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(STEPS)
        def check(steps: list[tuple[str, int, int]]) -> None:
            runner.run(play(db, people, steps))

        check()
        runner.run(db.close())

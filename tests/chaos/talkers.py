"""People who write to each other, each message by an id of its own until it is acknowledged."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

from tests.chaos.checks import say
from tests.chaos.people import Api, Person

READ_SHARE = 0.3
NUMBERS = """
SELECT
    c.last_n, count(s.id) AS messages, coalesce(max(s.n), 0) AS newest,
    (
        SELECT count(*) FROM room_frames AS f
        WHERE f.room = 'conversation:' || c.id AND f.event = 'message:created'
    ) AS frames,
    (SELECT r.last_seq FROM rooms AS r WHERE r.name = 'conversation:' || c.id) AS last_seq
FROM conversations AS c
LEFT JOIN messages AS s ON s.conversation_id = c.id
WHERE c.id = $1
GROUP BY c.id
"""
# Frames stand in the order of the numbers.
DISORDER = """
SELECT f.seq FROM (
    SELECT seq, (data ->> 'n')::bigint AS n, lag((data ->> 'n')::bigint) OVER (ORDER BY seq) AS before
    FROM room_frames
    WHERE room = 'conversation:' || $1::uuid
) AS f
WHERE f.n <= f.before
"""


class Talker:
    """Writes in a conversation, and reads it now and then. `acknowledged`: numbers by id."""

    def __init__(self, api: Api, person: Person, conversation_id: str, rng: random.Random) -> None:
        self.api, self.person, self.conversation_id, self.rng = api, person, conversation_id, rng
        self.acknowledged: dict[UUID, int] = {}
        self.read = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Write until told to stop; the last message is brought to its end."""
        path = f"/api/v1/conversations/{self.conversation_id}"
        while not stop.is_set():
            message_id = uuid4()
            data = {"id": str(message_id), "body": f"{self.person.username} says {message_id}"}
            answer = await self.api.call("POST", f"{path}/messages", self.person, json=data)
            self.acknowledged[message_id] = answer["n"]
            self.read = max(self.read, answer["n"])
            if self.rng.random() < READ_SHARE:
                found = await self.api.call("GET", path, self.person)
                marks = await self.api.call("PUT", f"{path}/read", self.person, json={"n": found["lastN"]})
                self.read = max(self.read, marks["readN"])
            await asyncio.sleep(self.rng.uniform(0, 0.08))


async def open_group(api: Api, people: list[Person]) -> str:
    """A new group of the first of these people, with all of them."""
    others = [str(person.id) for person in people[1:]]
    data = {"title": "The group", "userIds": others}
    headers = {"Idempotency-Key": "the-group"}
    found: str = (await api.call("POST", "/api/v1/conversations", people[0], json=data, headers=headers))[
        "id"
    ]
    return found


async def check_talking(conn: Any, api: Api, talkers: list[Talker]) -> list[str]:
    """Each acknowledged message is there once, by its number; no number is missing, and frames show all."""
    place = UUID(talkers[0].conversation_id)
    rows = await conn.fetch("SELECT id, n FROM messages WHERE conversation_id = $1", place)
    kept = {row["id"]: row["n"] for row in rows}
    promised = {key: n for talker in talkers for key, n in talker.acknowledged.items()}
    findings = [
        *say("messages acknowledged and lost", sorted(promised.keys() - kept.keys(), key=str)),
        *say("messages of another number", [key for key, n in promised.items() if kept.get(key, n) != n]),
        *say("messages that nobody meant", sorted(kept.keys() - promised.keys(), key=str)),
        *say("frames out of order", [row["seq"] for row in await conn.fetch(DISORDER, place)]),
    ]
    numbers = dict(await conn.fetchrow(NUMBERS, place))
    if len(set(numbers.values())) != 1:
        findings.append(f"numbers differ: {numbers}")
    for talker in talkers:
        found = await api.call("GET", f"/api/v1/conversations/{place}", talker.person)
        if found["readN"] < talker.read or found["unread"] != found["lastN"] - found["readN"]:
            findings.append(f"{talker.person.username} read {talker.read} and is shown {found}")
    return findings

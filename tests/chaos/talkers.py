"""People who write to each other, repeating each message with the same id until it is acknowledged; and
devices that follow the conversations."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from tests.chaos.checks import say
from tests.chaos.people import Api, Person
from tests.chaos.readers import Reader

READ_SHARE = 0.3
PAGE = 100
NUMBERS = """
SELECT
    c.last_n, count(s.id) AS messages, coalesce(max(s.n), 0) AS newest,
    (
        SELECT count(*) FROM room_frames AS f
        WHERE f.room = 'conversation:' || c.id AND f.event = 'message:created'
    ) AS frames,
    coalesce((SELECT r.last_seq FROM rooms AS r WHERE r.name = 'conversation:' || c.id), 0) AS last_seq
FROM conversations AS c
LEFT JOIN messages AS s ON s.conversation_id = c.id
WHERE c.id = $1
GROUP BY c.id
"""
# Frames whose message numbers do not ascend.
DISORDER = """
SELECT f.seq FROM (
    SELECT seq, (data ->> 'n')::bigint AS n, lag((data ->> 'n')::bigint) OVER (ORDER BY seq) AS before
    FROM room_frames
    WHERE room = 'conversation:' || $1::uuid
) AS f
WHERE f.n <= f.before
"""
# For each conversation of a person: the number of its newest message, and of the last one they have read.
MARKS = """
SELECT m.conversation_id::text AS id, c.last_n, m.read_n
FROM conversation_members AS m
INNER JOIN conversations AS c ON c.id = m.conversation_id
WHERE m.user_id = $1
"""
# Unread notifications of messages that their receiver has read.
LEFT_OVER = """
SELECT u.username, n.id
FROM notifications AS n
INNER JOIN messages AS s ON s.id = n.entity_id
INNER JOIN conversation_members AS m ON m.conversation_id = s.conversation_id AND m.user_id = n.receiver_id
INNER JOIN users AS u ON u.id = n.receiver_id
WHERE n.type = 'message' AND NOT n.is_read AND s.n <= m.read_n
"""
TOLD_TWICE = """
SELECT receiver_id, entity_id FROM notifications
WHERE type = 'message'
GROUP BY receiver_id, entity_id
HAVING count(*) > 1
"""


class Talker:
    """A person who writes in conversations and reads some. `acknowledged`: (conversation, number) by
    message id; `read`: by conversation, the highest number that the service confirmed as read."""

    def __init__(self, api: Api, person: Person, places: Sequence[str], rng: random.Random) -> None:
        self.api, self.person, self.places, self.rng = api, person, list(places), rng
        self.acknowledged: dict[UUID, tuple[UUID, int]] = {}
        self.read: dict[str, int] = dict.fromkeys(places, 0)
        self.pause = 0.08

    async def run(self, stop: asyncio.Event) -> None:
        """Write until told to stop; the last message is sent until it is acknowledged."""
        while not stop.is_set():
            place = self.rng.choice(self.places)
            path = f"/api/v1/conversations/{place}"
            message_id = uuid4()
            data = {"id": str(message_id), "body": f"{self.person.username} says {message_id}"}
            answer = await self.api.call("POST", f"{path}/messages", self.person, json=data)
            self.acknowledged[message_id] = (UUID(place), answer["n"])
            self.read[place] = max(self.read[place], answer["n"])
            if self.rng.random() < READ_SHARE:
                place = self.rng.choice(self.places)
                path = f"/api/v1/conversations/{place}"
                found = await self.api.call("GET", path, self.person)
                marks = await self.api.call("PUT", f"{path}/read", self.person, json={"n": found["lastN"]})
                self.read[place] = max(self.read[place], marks["readN"])
            await asyncio.sleep(self.rng.uniform(0, self.pause))


class Follower(Reader):
    """A device in the room of one conversation that also keeps the list of all: by conversation, `last` is
    the number of its newest message, and `read` of the last one the person has read."""

    kind, shows = "conversation", "message:created"

    def __init__(self, api: Api, person: Person, subject_id: str, rng: random.Random) -> None:
        super().__init__(api, person, subject_id, rng)
        self.last: dict[str, int] = {}
        self.read: dict[str, int] = {}

    async def fetch_other(self) -> set[str]:
        """Fetch the ids of all messages of the conversation."""
        ids: set[str] = set()
        after = 0
        while True:
            page = await self.api.call(
                "GET",
                f"/api/v1/conversations/{self.subject_id}/messages",
                self.person,
                params={"after": str(after), "limit": str(PAGE)},
            )
            ids |= {row["id"] for row in page["data"]}
            if not page["hasNewer"]:
                return ids
            after = page["data"][-1]["n"]

    async def _handle(self, ws: Any, frame: dict[str, Any]) -> None:
        event, data = frame["event"], frame["data"]
        me = str(self.person.id)
        if event == "conversation:activity":
            self._note(data["id"], data["n"], data["n"] if data["by"] == me else 0)
        elif event == "conversation:read":
            if data["userId"] == me:
                self._note(data["conversationId"], 0, data["readN"])
        elif event == "resync":
            await self._list()
        else:
            await super()._handle(ws, frame)
            if event == "connected":
                await self._list()
            elif event == "message:created":
                own = data["author"]["id"] == me
                self._note(data["conversationId"], data["n"], data["n"] if own else 0)

    async def _list(self) -> None:
        rows, _ = await self.api.fetch_all("/api/v1/conversations", self.person)
        for row in rows:
            self._note(row["id"], row["lastN"], row["readN"])

    def _note(self, place: str, last: int, read: int) -> None:
        self.last[place] = max(last, self.last.get(place, 0))
        self.read[place] = max(read, self.read.get(place, 0))

    async def differ(self, conn: Any) -> list[str]:
        """Return a finding for each conversation whose marks differ from the database."""
        rows = await conn.fetch(MARKS, self.person.id)
        return [
            f"{self.person.username} shows {self.read.get(row['id'])} of {self.last.get(row['id'])} read, "
            f"not {row['read_n']} of {row['last_n']}"
            for row in rows
            if (self.last.get(row["id"]), self.read.get(row["id"])) != (row["last_n"], row["read_n"])
        ]


async def open_group(api: Api, people: Sequence[Person]) -> str:
    """Create a group, owned by the first of these people, with all of them in it; return its id."""
    others = [str(person.id) for person in people[1:]]
    data = {"title": "The group", "userIds": others}
    headers = {"Idempotency-Key": "the-group"}
    found: str = (await api.call("POST", "/api/v1/conversations", people[0], json=data, headers=headers))[
        "id"
    ]
    return found


async def open_pair(api: Api, one: Person, other: Person) -> str:
    """Open the conversation of two people; return its id."""
    found: str = (await api.call("POST", "/api/v1/conversations", one, json={"userId": str(other.id)}))["id"]
    return found


async def check_talking(conn: Any, api: Api, talkers: Sequence[Talker]) -> list[str]:
    """Check that each acknowledged message is there once by its number, without gaps, and with its frame.

    Also check the unread counts that every node shows.
    """
    places = sorted({UUID(place) for talker in talkers for place in talker.places})
    rows = await conn.fetch(
        "SELECT id, conversation_id, n FROM messages WHERE conversation_id = ANY($1)", places
    )
    kept = {row["id"]: (row["conversation_id"], row["n"]) for row in rows}
    promised = {key: where for talker in talkers for key, where in talker.acknowledged.items()}
    findings = [
        *say("messages acknowledged and lost", sorted(promised.keys() - kept.keys(), key=str)),
        *say("messages of another number", [key for key, at in promised.items() if kept.get(key, at) != at]),
        *say("messages that nobody meant", sorted(kept.keys() - promised.keys(), key=str)),
        *say("notifications of what is read", [dict(row) for row in await conn.fetch(LEFT_OVER)]),
        *say("notified twice of a message", [dict(row) for row in await conn.fetch(TOLD_TWICE)]),
    ]
    for place in places:
        numbers = dict(await conn.fetchrow(NUMBERS, place))
        if len(set(numbers.values())) != 1:
            findings.append(f"numbers of {place} differ: {numbers}")
        findings += say("frames out of order", [row["seq"] for row in await conn.fetch(DISORDER, place)])
    for talker in talkers:
        findings += await check_unread(conn, api, talker)
    return findings


async def check_unread(conn: Any, api: Api, talker: Talker) -> list[str]:
    """Compare the unread counts and read marks that each node shows a talker with the database."""
    counted = {row["id"]: row["last_n"] - row["read_n"] for row in await conn.fetch(MARKS, talker.person.id)}
    total = {"messages": sum(counted.values()), "conversations": sum(n > 0 for n in counted.values())}
    findings = []
    for address in api.addresses:
        node = Api([address], api.rng, api.session)
        rows, _ = await node.fetch_all("/api/v1/conversations", talker.person)
        shown = {row["id"]: row["unread"] for row in rows}
        badge = await node.call("GET", "/api/v1/conversations/unread", talker.person)
        if shown != counted or badge != total:
            findings.append(f"{talker.person.username} at {address}: {shown}, {badge} of {counted}, {total}")
        findings += [
            f"{talker.person.username} read {talker.read[row['id']]} and is shown {row}"
            for row in rows
            if row["id"] in talker.read and row["readN"] < talker.read[row["id"]]
        ]
    return findings

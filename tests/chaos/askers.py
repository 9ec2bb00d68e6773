"""People who ask the assistant, and read each answer to its end from whichever node responds."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from tests.chaos.checks import say
from tests.chaos.people import BROKEN, Api, Person
from tests.features.ai.helpers import EVENTS, Reading
from tests.modelserver import words

# A client that reads nothing for longer takes the node for dead; a halted node keeps its connections.
SILENCE = aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=5)
KINDS = ("say", "say", "say", "cuts", "stall")
KEPT = """
SELECT
    m.body, a.status, a.reason,
    (SELECT count(*) FROM ai_chunks AS k WHERE k.message_id = m.id) AS chunks,
    (
        SELECT count(*) FROM events AS e
        WHERE e.type = 'ai_answer.ended' AND e.payload ->> 'messageId' = m.id::text
    ) AS events,
    (
        SELECT count(*) FROM room_frames AS f
        WHERE f.room = 'user:' || a.owner_id AND f.event = 'ai-answer:ended'
            AND f.data ->> 'messageId' = m.id::text
    ) AS frames
FROM ai_messages AS m
INNER JOIN ai_answers AS a ON a.message_id = m.id
WHERE m.id = $1
"""
USED = """
SELECT
    (SELECT sum(answers) FROM ai_usage WHERE user_id = $1) AS counted,
    (SELECT count(*) FROM ai_answers WHERE owner_id = $1) AS answers,
    (SELECT sum(prompt_tokens + completion_tokens) FROM ai_usage WHERE user_id = $1) AS used,
    (SELECT sum(prompt_tokens + completion_tokens) FROM ai_answers WHERE owner_id = $1) AS told
"""


@dataclass
class Told:
    """An answer that was read to its end: the question, the expected text, and what was read."""

    question: str
    wanted: str
    reading: Reading


class Asker:
    """A person who asks one question after the other in a chat. `told`: answers by their message ids."""

    def __init__(self, api: Api, person: Person, rng: random.Random) -> None:
        self.api, self.person, self.rng = api, person, rng
        self.told: dict[UUID, Told] = {}
        self.nodes: Counter[str] = Counter()
        self.breaks = self._asked = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until told to stop; the last answer is read to its end."""
        headers = {"Idempotency-Key": f"{self.person.username}-chat"}
        chat = await self.api.call("POST", "/api/v1/ai/chats", self.person, json={}, headers=headers)
        while not stop.is_set():
            await self.ask(f"/api/v1/ai/chats/{chat['id']}/messages")
            await asyncio.sleep(self.rng.uniform(0, 0.3))

    async def ask(self, path: str) -> None:
        """Ask one question, with an idempotency key until it is accepted, and read its answer to the end."""
        self._asked += 1
        key = f"{self.person.username}-asks-{self._asked}"
        kind, count, rate = self.rng.choice(KINDS), self.rng.randint(20, 150), self.rng.randint(30, 80)
        question = {
            "say": f"say {count} {rate}",
            "cuts": f"cuts 1 {key} {count} {rate}",
            "stall": f"stall {count} {rate}",
        }[kind]
        reading = Reading()
        while reading.end is None:
            cancels_at = len(words(count)) // 2 if kind == "stall" else None
            if await self._read(path, question, key, reading, cancels_at):
                answer = f"{path}/{reading.created['answer']['id']}/cancel"
                await self.api.call("POST", answer, self.person)
                kind = "cancelled"
        self.told[UUID(reading.created["answer"]["id"])] = Told(question, words(count), reading)

    async def _read(self, path: str, question: str, key: str, reading: Reading, chars: int | None) -> bool:
        """Ask, or reconnect to the stream of an accepted question; True once `chars` characters were read."""
        address = self.api.pick_address()
        headers = {**self.person.headers, **EVENTS}
        try:
            if reading.created is None:
                call = self.api.session.post(
                    address + path,
                    json={"content": question},
                    headers={**headers, "Idempotency-Key": key},
                    timeout=SILENCE,
                )
            else:
                place = {"Last-Event-ID": reading.place} if reading.place else {}
                url = f"{address}{path}/{reading.created['answer']['id']}/stream"
                call = self.api.session.get(url, headers=headers | place, timeout=SILENCE)
            async with call as response:
                self.api.outcomes[str(response.status)] += 1
                if response.status == 401:
                    await self.api.sign_in(self.person)
                elif response.status in (200, 201):
                    self.nodes[address] += 1
                    await reading.read(response, chars)
                    if chars is not None and len(reading.text) >= chars:
                        return True
                else:
                    # A balancer answers 502 or 504 for a node that died while it was answering.
                    assert response.status in (429, 502, 503, 504), f"{question}: {await response.text()}"
        except BROKEN as error:
            self.api.outcomes[type(error).__name__] += 1
        if reading.end is None:
            self.breaks += reading.created is not None
            await self.api.pause()
        return False


def check_told(told: Told, row: Any, *, gives_up: bool = False) -> str | None:
    """Compare an answer as it was read with its stored row; return the difference, or None if there is none.

    `gives_up`: accept an answer that failed because too many of its workers died.
    """
    text, end = told.reading.text, told.reading.end
    if row is None:
        return f"{told.question!r} is not there"
    kept = {"status": row["status"], "reason": row["reason"]}
    if kept != end:
        return f"{told.question!r} was told to end as {end}, and is kept as {kept}"
    if gives_up and end["reason"] == "worker_died":
        return None
    if row["body"] != text:
        return f"{told.question!r}: {len(text)} characters read and {len(row['body'])} kept"
    if told.question.startswith("stall"):
        if end["status"] != "cancelled" or not told.wanted.startswith(text):
            return f"{told.question!r} was cancelled and is {end} with {text[-20:]!r}"
    elif end["status"] != "done" or text != told.wanted:
        return f"{told.question!r} is {end} with {len(text)} of {len(told.wanted)} characters"
    if (row["chunks"], row["events"], row["frames"]) != (0, 1, 1):
        return (
            f"{told.question!r} left {row['chunks']} chunks, {row['events']} events, {row['frames']} frames"
        )
    return None


async def check_answers(conn: Any, askers: list[Asker], *, gives_up: bool = False) -> list[str]:
    """Check that each answer was read whole, is stored as read, ended once, and was counted once."""
    wrong = [
        finding
        for asker in askers
        for message_id, told in asker.told.items()
        if (finding := check_told(told, await conn.fetchrow(KEPT, message_id), gives_up=gives_up))
    ]
    findings = say("answers that are not whole", wrong)
    live = await conn.fetchval("SELECT count(*) FROM ai_answers WHERE status IN ('queued', 'running')")
    findings += say("answers that do not end", [live] if live else [])
    for asker in askers:
        used = dict(await conn.fetchrow(USED, asker.person.id))
        if used["used"] != used["told"] or not used["counted"] == used["answers"] == len(asker.told):
            findings.append(f"{asker.person.username} read {len(asker.told)} answers, and has {used}")
    return findings

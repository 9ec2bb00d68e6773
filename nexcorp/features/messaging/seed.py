"""Conversations of the demo company."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.domain.demo import ADA, BARBARA, DOROTHY, EDSGER, FLORENCE, GRACE, LINUS, MARIE, NIKOLA
from nexcorp.features.messaging.service import create_group, mark, open_direct
from nexcorp.features.messaging.texts import add_reaction, send_message
from nexcorp.manifest import Demo

COMPILER = (
    (GRACE, "The grammar is in the project. Comments on it there, please, not here."),
    (EDSGER, "Two rules are ambiguous."),
    (BARBARA, "Only one, if a line is a statement."),
    (ADA, "Then let us say that it is."),
)


def make_message(body: str, **more: Any) -> dict[str, Any]:
    """Return a message as SendMessage loads it."""
    return {"body": body, "replyToId": None, "uploadIds": [], **more}


async def insert_demo_messages(conn: Any, demo: Demo) -> None:
    """Insert direct conversations and groups; the first person has read most of the messages."""

    async def say(person: int, conversation: Any, body: str, **more: Any) -> Any:
        row, _ = await send_message(conn, demo.people[person], conversation["id"], make_message(body, **more))
        return row

    async def meet(one: int, other: int) -> Any:
        row, _ = await open_direct(conn, demo.people[one], demo.people[other])
        return row

    async def gather(owner: int, title: str, *people: int) -> Any:
        ids: list[UUID] = [demo.people[person] for person in people]
        return await create_group(conn, demo.people[owner], title, ids)

    direct = await meet(ADA, GRACE)
    hello = await say(ADA, direct, "Have you seen the new idea?")
    await say(GRACE, direct, "Yes, let us talk about it at lunch.", replyToId=hello["id"])
    group = await gather(GRACE, "Lunch", ADA, LINUS, DOROTHY, MARIE)
    question = await say(GRACE, group, "Who comes along today? @linus?")
    await add_reaction(conn, demo.people[ADA], question["id"], "\N{FORK AND KNIFE}")
    await mark(conn, demo.people[ADA], group["id"], question["n"], read=True)
    compiler = await gather(GRACE, "Compiler", ADA, BARBARA, EDSGER)
    for person, body in COMPILER:
        last = await say(person, compiler, body)
    await mark(conn, demo.people[ADA], compiler["id"], last["n"], read=True)
    offsite = await meet(FLORENCE, ADA)
    await say(FLORENCE, offsite, "The evening of the offsite is yours now. A quiz?")
    await say(FLORENCE, offsite, "Ask Dorothy, she has one about moons.")
    lift = await meet(NIKOLA, DOROTHY)
    await say(NIKOLA, lift, "The lift is out tomorrow from eight to nine.")

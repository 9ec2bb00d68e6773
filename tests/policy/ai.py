"""The rows of the written policy about chats; no language model is configured in these tests."""

from __future__ import annotations

from typing import Any

from tests.policy.rules import Made, Maker, Rule
from tests.policy.world import Person, World

OWNER = "the owner of the chat only"


async def a_chat(world: World, owner: Person) -> Made:
    """Create a chat of the owner."""
    [row] = await world.fetch(
        "INSERT INTO ai_chats (owner_id, title) VALUES ($1, 'Mine') RETURNING id", owner.id
    )
    return {"id": row["id"]}


async def an_answer(world: World, owner: Person) -> Made:
    """Create a chat of the owner with an answered question."""
    chat = await a_chat(world, owner)
    [row] = await world.fetch(
        """
        WITH asked AS (
            INSERT INTO ai_messages (chat_id, role, body) VALUES ($1, 'user', 'Why?') RETURNING id
        ),
        answered AS (
            INSERT INTO ai_messages (chat_id, parent_id, role, body)
            SELECT $1, id, 'assistant', 'So.' FROM asked
            RETURNING id
        )
        INSERT INTO ai_answers (message_id, chat_id, owner_id, status, attempts)
        SELECT id, $1, $2, 'done', 1 FROM answered
        RETURNING message_id AS id
        """,
        chat["id"],
        owner.id,
    )
    return {**chat, "messageId": row["id"]}


def own(operation: str, status: int, make: Maker, **more: Any) -> Rule:
    """A rule for chats of the owner, which nobody else sees, not even an administrator."""
    return Rule(operation, "ai:use", status, 404, 404, 404, whose=OWNER, make=make, **more)


AI: list[Rule] = [
    Rule("POST /ai/chats", "ai:use", 201, body={"title": "Mine"}),
    Rule("GET /ai/chats", "ai:use", 200),
    own("GET /ai/chats/{id}", 200, a_chat),
    own("PATCH /ai/chats/{id}", 200, a_chat, body={"title": "Other"}),
    own("DELETE /ai/chats/{id}", 204, a_chat),
    own("GET /ai/chats/{id}/messages", 200, an_answer),
    own("POST /ai/chats/{id}/messages", 503, a_chat, body={"content": "Why?"}),
    own("POST /ai/chats/{id}/messages/{messageId}/regenerate", 503, an_answer),
    own("POST /ai/chats/{id}/messages/{messageId}/cancel", 202, an_answer),
    own("GET /ai/chats/{id}/messages/{messageId}/stream", 200, an_answer),
]

"""Messages of workers to web processes about answers of a language model. PostgreSQL has lost ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from nexcorp.delivery import emit

CHANNEL = "nexcorp:answers"
# The job with which workers look for new questions, and for answers to stop.
WAKE = "write_answers"


class Part(msgspec.Struct, array_like=True):
    """A stored part of an answer's text: of one attempt, from an offset in characters on.

    `text` None: another member of the answer has changed, which must be read from PostgreSQL.
    """

    message_id: UUID
    attempt: int
    start: int
    text: str | None


pack_parts = msgspec.msgpack.Encoder().encode
unpack_parts = msgspec.msgpack.Decoder(list[Part]).decode


async def tell_ended(
    conn: Any,
    chat_id: UUID,
    message_id: UUID,
    owner_id: UUID,
    status: str,
    prompt_tokens: int | None = None,
    completion_tokens: int | None = None,
) -> None:
    """Emit that an answer has ended: ids, state and numbers, never its text."""
    await emit(
        conn,
        "ai_answer.ended",
        actor_id=owner_id,
        entity=("ai_chat", chat_id),
        payload={
            "messageId": message_id,
            "ownerId": owner_id,
            "status": status,
            "promptTokens": prompt_tokens,
            "completionTokens": completion_tokens,
        },
    )

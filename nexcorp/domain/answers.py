"""What workers tell web processes of answers of a language model. What is lost is read in PostgreSQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from nexcorp.delivery import emit

CHANNEL = "nexcorp:answers"
# The job that has workers look for questions, and for answers that are to end.
WAKE = "write_answers"


class Part(msgspec.Struct, array_like=True):
    """Text of an answer, which is stored by now: that of an attempt, from an offset in characters on.

    `text` None: something else of it has changed, so that it has to be read.
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
    """Emit that an answer has ended: ids, the state and numbers, never a text."""
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

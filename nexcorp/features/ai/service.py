"""The rules of chats: each is private to its owner, and answers one question at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nexcorp.config import Config
from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.delivery.effects import Job
from nexcorp.domain.answers import WAKE, tell_ended
from nexcorp.domain.versions import Versions, check_version
from nexcorp.errors import Invalid, NotConfigured
from nexcorp.features.ai.errors import (
    AnswerInProgress,
    ChatMessageNotFound,
    ChatNotFound,
    ContextTooLarge,
    TokenLimit,
    TooManyAnswers,
)
from nexcorp.security.caller import Caller

MANAGE = "project:manage"
READ = "project:read"
MOST_AT_ONCE = 5
# Workers estimate tokens by the same number; see workers/prompts.py.
CHARS_A_TOKEN = 3.5
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Asked:
    """The ids of a question and of its queued answer."""

    message_id: UUID
    answer_id: UUID


def check_reader(caller: Caller, project_id: UUID | None, *, managed: bool = False) -> None:
    """Raise PermissionRequired unless the caller, or their API key, may read the project; None passes.

    `managed`: the owner reads the project only by managing all projects.
    """
    if project_id is not None:
        caller.require(READ)
    if managed:
        caller.require(MANAGE)


def check_model(config: Config, model: str | None) -> None:
    """Raise Invalid unless the settings name the model, or it is None."""
    if model is not None and model not in (config.ai_model, *config.ai_models):
        raise Invalid(errors={"model": ["Is no model that may be asked here."]})


async def tell_chat(conn: Any, event: str, owner_id: UUID, chat_id: UUID, **payload: Any) -> None:
    """Emit `ai_chat.<event>`; `payload` holds ids and names of fields, never texts."""
    await emit(
        conn,
        f"ai_chat.{event}",
        actor_id=owner_id,
        entity=("ai_chat", chat_id),
        payload={"ownerId": owner_id, **payload},
    )


async def get_chat(conn: Any, caller: Caller, chat_id: UUID) -> Any:
    """Return one of the caller's chats; raises ChatNotFound."""
    row = await sql.ai_chats.get_chat(
        conn, chat_id=chat_id, owner_id=caller.id, reads=caller.may(READ), manages=caller.may(MANAGE)
    )
    if row is None:
        raise ChatNotFound()
    return row


async def create_chat(conn: Any, caller: Caller, config: Config, data: dict[str, Any]) -> Any:
    """Create a chat and return it.

    Raises PermissionRequired, and Invalid for an unknown model, or a project that the caller may not read.
    """
    check_model(config, data["model"])
    check_reader(caller, data["projectId"])
    chat_id = await sql.ai_chats.create_chat(
        conn,
        owner_id=caller.id,
        manages=caller.may(MANAGE),
        project_id=data["projectId"],
        title=data["title"],
        model=data["model"],
    )
    if chat_id is None:
        raise Invalid(errors={"projectId": ["There is no such project."]})
    await tell_chat(conn, "created", caller.id, chat_id, projectId=data["projectId"])
    return await get_chat(conn, caller, chat_id)


async def update_chat(
    conn: Any,
    caller: Caller,
    config: Config,
    chat_id: UUID,
    data: dict[str, Any],
    versions: Versions | None,
    by_etag: bool,
) -> Any:
    """Change the fields in `data` and return the chat.

    Raises as get_chat(), create_chat() and check_version().
    """
    if await sql.ai_chats.lock_chat(conn, chat_id=chat_id, owner_id=caller.id) is None:
        raise ChatNotFound()
    chat = await get_chat(conn, caller, chat_id)
    check_version(chat, versions, by_etag=by_etag)
    check_model(config, data.get("model"))
    check_reader(caller, data.get("projectId"))
    known = {"title": chat["title"], "model": chat["model"], "projectId": chat["_projectId"]}
    changes = {name: value for name, value in data.items() if value != known[name]}
    if not changes:
        return chat
    found = await sql.ai_chats.update_chat(
        conn,
        chat_id=chat_id,
        manages=caller.may(MANAGE),
        set_title="title" in changes,
        title=changes.get("title"),
        set_model="model" in changes,
        model=changes.get("model"),
        set_project="projectId" in changes,
        project_id=changes.get("projectId"),
    )
    if found is None:
        raise Invalid(errors={"projectId": ["There is no such project."]})
    await tell_chat(conn, "updated", caller.id, chat_id, changed=sorted(changes), version=chat["version"] + 1)
    return await get_chat(conn, caller, chat_id)


async def delete_chat(
    conn: Any, caller: Caller, config: Config, chat_id: UUID, versions: Versions | None
) -> None:
    """Delete a chat for good, with any answer in progress.

    Raises ChatNotFound, PreconditionFailed.
    """
    # Lock the answer before the usage row that all chats of the user share, as a worker that ends it does.
    await sql.ai_answers.charge_running(
        conn, chat_id=chat_id, owner_id=caller.id, tokens=config.ai_answer_tokens
    )
    if await sql.ai_chats.lock_chat(conn, chat_id=chat_id, owner_id=caller.id) is None:
        raise ChatNotFound()
    check_version(await get_chat(conn, caller, chat_id), versions)
    await sql.ai_chats.delete_chat(conn, chat_id=chat_id, owner_id=caller.id)
    await tell_chat(conn, "deleted", caller.id, chat_id)


async def lock_for_question(conn: Any, caller: Caller, config: Config, chat_id: UUID) -> Any:
    """Lock and return a chat that can take a question now, and count the question for the caller.

    Raises PermissionRequired, NotConfigured, ChatNotFound, AnswerInProgress, TokenLimit, TooManyAnswers.
    """
    # Lock the caller's usage row first, so that limits hold exactly for concurrent questions in all chats.
    used = await sql.ai_answers.take_usage(conn, user_id=caller.id)
    chat = await sql.ai_chats.lock_chat(conn, chat_id=chat_id, owner_id=caller.id)
    if chat is None:
        raise ChatNotFound()
    check_reader(caller, chat["project_id"], managed=chat["managed"])
    if not config.ai_base_url:
        raise NotConfigured(message="No language model is configured: AI_BASE_URL is not set.")
    if await sql.ai_answers.get_live(conn, chat_id=chat_id) is not None:
        raise AnswerInProgress()
    live = await sql.ai_answers.count_live(conn, owner_id=caller.id)
    if live >= MOST_AT_ONCE:
        raise TooManyAnswers(retry_after=5)
    # Count each answer in progress at its maximum.
    if config.ai_tokens_a_day and used["tokens"] + live * config.ai_answer_tokens >= config.ai_tokens_a_day:
        raise TokenLimit(retry_after=DAY_SECONDS - int(time.time()) % DAY_SECONDS)
    return chat


async def find_parent(conn: Any, chat_id: UUID, leaf_id: UUID | None, data: dict[str, Any]) -> UUID | None:
    """Return the id of the answer that a question follows, None for the chat's start; raises Invalid."""
    if "parentId" not in data:
        return leaf_id
    parent_id: UUID | None = data["parentId"]
    if parent_id is not None:
        parent = await sql.ai_chats.find_message(conn, chat_id=chat_id, message_id=parent_id)
        if parent is None or parent["role"] != "assistant":
            raise Invalid(errors={"parentId": ["Is no answer of this chat."]})
    return parent_id


async def check_context(
    conn: Any, caller: Caller, config: Config, project_id: UUID | None, data: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the files and the search to store with a question; raises Invalid, ContextTooLarge."""
    file_ids = list(dict.fromkeys(data["fileIds"]))
    if (file_ids or data["search"]) and project_id is None:
        name = "fileIds" if file_ids else "search"
        raise Invalid(errors={name: ["The chat has no project."]})
    size = len(data["content"])
    if file_ids and project_id is not None:
        rows = await sql.ai_context.list_files(
            conn, project_id=project_id, viewer_id=caller.id, file_ids=file_ids
        )
        if len(rows) != len(file_ids):
            raise Invalid(errors={"fileIds": ["Not all of them are text files of the chat's project."]})
        size += sum(row["bytes"] for row in rows)
    if size > config.ai_context_tokens * CHARS_A_TOKEN:
        raise ContextTooLarge()
    context: list[dict[str, Any]] = [{"fileId": file_id} for file_id in file_ids]
    return [*context, {"search": True}] if data["search"] else context


async def ask(conn: Any, caller: Caller, config: Config, chat_id: UUID, data: dict[str, Any]) -> Asked:
    """Store a question and queue its answer; returns their ids.

    Raises as lock_for_question(), find_parent() and check_context().
    """
    chat = await lock_for_question(conn, caller, config, chat_id)
    parent_id = await find_parent(conn, chat_id, chat["leaf_id"], data)
    context = await check_context(conn, caller, config, chat["project_id"], data)
    message_id = await sql.ai_chats.add_question(
        conn, chat_id=chat_id, parent_id=parent_id, body=data["content"], context=context
    )
    return await queue_answer(conn, caller, chat_id, message_id)


async def regenerate(conn: Any, caller: Caller, config: Config, chat_id: UUID, message_id: UUID) -> Asked:
    """Queue another answer to the question that `message_id`, an answer of the chat, answers.

    Raises as lock_for_question(), and ChatMessageNotFound.
    """
    await lock_for_question(conn, caller, config, chat_id)
    answer = await sql.ai_chats.find_message(conn, chat_id=chat_id, message_id=message_id)
    if answer is None or answer["role"] != "assistant":
        raise ChatMessageNotFound()
    return await queue_answer(conn, caller, chat_id, answer["parent_id"])


async def queue_answer(conn: Any, caller: Caller, chat_id: UUID, question_id: UUID) -> Asked:
    """Queue the answer to a question of a locked chat."""
    answer_id = await sql.ai_chats.add_reply(conn, chat_id=chat_id, parent_id=question_id)
    await sql.ai_answers.queue_answer(conn, message_id=answer_id, chat_id=chat_id, owner_id=caller.id)
    await tell_chat(conn, "asked", caller.id, chat_id, messageId=question_id, answerId=answer_id)
    conn.after(Job(WAKE))
    return Asked(question_id, answer_id)


async def read_exchange(conn: Any, asked: Asked) -> dict[str, Any]:
    """Return a question and its answer as they are now; raises ChatMessageNotFound if deleted."""
    rows = await sql.ai_chats.get_messages(conn, ids=[asked.message_id, asked.answer_id])
    if len(rows) != 2:
        raise ChatMessageNotFound()
    return {"message": rows[0], "answer": rows[1]}


async def cancel(conn: Any, caller: Caller, chat_id: UUID, message_id: UUID) -> Any:
    """Cancel an answer unless it has ended; returns it. Raises ChatMessageNotFound."""
    row = await sql.ai_answers.cancel_answer(conn, message_id=message_id, owner_id=caller.id)
    if row is None or row["chat_id"] != chat_id:
        raise ChatMessageNotFound()
    if row["ended"]:
        await tell_ended(conn, chat_id, message_id, caller.id, "cancelled")
    elif row["changed"]:
        conn.after(Job(WAKE))
    (message,) = await sql.ai_chats.get_messages(conn, ids=[message_id])
    return message


async def find_answer(conn: Any, caller: Caller, message_id: UUID) -> UUID:
    """Return the chat id of one of the caller's answers; raises ChatMessageNotFound."""
    chat_id: UUID | None = await sql.ai_answers.find_chat(conn, message_id=message_id, owner_id=caller.id)
    if chat_id is None:
        raise ChatMessageNotFound()
    return chat_id


async def forget_person(conn: Any, *, user_id: UUID) -> None:
    """Delete the chats of a user who leaves."""
    await sql.ai_chats.delete_chats_of(conn, user_id=user_id)

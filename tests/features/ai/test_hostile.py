"""Hostile requests to the assistant, and faults that must not lose or repeat text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nexcorp.db import sql
from nexcorp.errors import TooManyRequests, Unavailable
from nexcorp.features.ai import following
from nexcorp.features.ai.following import ANSWERS
from nexcorp.features.ai.streams import MOST_STREAMS
from tests.api import API, create, fetch_value, refused
from tests.clients import wait_until
from tests.features.ai.helpers import Reading, ask, begin, resume, stream
from tests.features.files.helpers import make
from tests.features.projects.helpers import found
from tests.modelserver import ModelServer, words
from workers import answering

pytestmark = pytest.mark.shared


STATUS = "SELECT status FROM ai_answers WHERE message_id = $1"
# The state that kill -9 of the worker leaves, right after the owner cancelled the answer.
DIE_CANCELLED = """
UPDATE ai_answers SET worker_id = 'dead', cancel_at = now(), lease_until = now() - interval '1 s'
WHERE message_id = $1 RETURNING status
"""


async def test_an_endless_answer_ends(make_user: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(answering, "MAX_ANSWER_CHARS", 1000)
    ada = await make_user()
    answer = await ask(ada, await begin(ada), "say 100000 5000")
    assert (answer["status"], answer["reason"]) == ("incomplete", "length")
    assert words(100_000).startswith(answer["body"]) and len(answer["body"]) < 5000


async def test_what_was_stored_unheard_is_not_stored_twice(make_user: Any, monkeypatch: Any) -> None:
    """At every second flush, the connection breaks after the commit, before the worker hears of it."""
    flush, calls = sql.ai_answers.flush_answers, 0

    async def store_unheard(conn: Any, **values: Any) -> Any:
        nonlocal calls
        rows = await flush(conn, **values)
        calls += any(values["texts"])
        if calls % 2 and any(values["texts"]):
            raise Unavailable()
        return rows

    monkeypatch.setattr(sql.ai_answers, "flush_answers", store_unheard)
    ada = await make_user()
    for question, count in (("say 40 100", 40), ("say 5 20", 5), ("say 1", 1)):
        reading = Reading()
        async with stream(ada, await begin(ada), question) as response:
            await reading.read(response)
        assert reading.text == words(count) and reading.restarts == 0
    assert calls > 4


async def test_a_stream_outlasts_a_busy_database(make_user: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.1)
    read, calls = sql.ai_answers.read_on, 0

    async def refuse_some(conn: Any, **values: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 3:
            raise Unavailable() if calls % 3 == 1 else TooManyRequests()
        return await read(conn, **values)

    monkeypatch.setattr(sql.ai_answers, "read_on", refuse_some)
    ada, reading = await make_user(), Reading()
    async with stream(ada, await begin(ada), "say 60 100") as response:
        await reading.read(response)
    assert reading.text == words(60) and reading.end["status"] == "done" and calls >= 6


async def test_cancelled_between_two_attempts_it_keeps_what_there_was(make_user: Any, service: Any) -> None:
    ada = await make_user()
    for question in ("cut 30 100", "stall 30 100"):
        chat, reading = await begin(ada), Reading()
        async with stream(ada, chat, question) as response:
            await reading.read(response, 40)
        message = reading.created["answer"]["id"]

        async def put_off(message: str = message) -> bool:
            return bool(await fetch_value(service, STATUS, message) == "queued")

        if question.startswith("cut"):
            await wait_until(put_off)
        else:
            await fetch_value(service, DIE_CANCELLED, message)
        path = f"{API}/ai/chats/{chat}/messages"
        assert (await ada.client.post(f"{path}/{message}/cancel")).status == 202
        async with resume(ada, chat, message, reading.place) as response:
            await reading.read(response)
        assert reading.end["status"] == "cancelled"
        assert words(30).startswith(reading.text) and reading.restarts == 0
        page = await (await ada.client.get(path)).json()
        assert page["data"][-1]["body"] == reading.text and len(reading.text) >= 40
        assert (
            await fetch_value(service, "SELECT count(*) FROM ai_chunks WHERE message_id = $1", message) == 0
        )


async def test_a_place_that_cannot_be_begins_anew(make_user: Any) -> None:
    ada = await make_user()
    chat = await begin(ada)
    answer = await ask(ada, chat, "say 9")
    for place in ("9999999999.1", "1.99999999999999", "²³.1", "1.3.3"):
        reading = Reading()
        async with resume(ada, chat, answer["id"], place) as response:
            await reading.read(response)
        assert reading.text == words(9)
    # A browser that reconnects sends its first address again, and the newer position in Last-Event-ID.
    path = f"{ada.client.url}{API}/ai/chats/{chat}/messages/{answer['id']}/stream?after=1.3"
    headers = {**ada.headers, "Last-Event-ID": "1.9"}
    async with ada.client.session.get(path, headers=headers) as response:
        assert f'"offset":9,"text":"{words(9)[9:]}"' in await response.text()


async def test_many_streams_at_once_are_too_many(make_user: Any, service: Any) -> None:
    ada = await make_user()
    chat = await begin(ada)
    path = f"{API}/ai/chats/{chat}/messages"
    answer = (await (await ada.client.post(path, json={"content": "stall 1"})).json())["answer"]["id"]
    answers = service.app[ANSWERS]
    found_open = await asyncio.gather(*(resume(ada, chat, answer, None) for _ in range(MOST_STREAMS + 10)))
    statuses = [one.status for one in found_open]
    assert statuses.count(200) == MOST_STREAMS and statuses.count(429) == 10
    # Readers that went away are soon no longer counted, though there is nothing to send to them.
    for one in found_open:
        one.close()

    async def gone() -> bool:
        return bool(answers.count(ada.id) == 0)

    await wait_until(gone)
    assert (await ada.client.post(f"{path}/{answer}/cancel")).status == 202


async def test_a_deleted_chat_counts_what_it_might_have_cost(make_user: Any, service: Any) -> None:
    ada = await make_user()
    chat, reading = await begin(ada), Reading()
    async with stream(ada, chat, "stall 5") as response:
        await reading.read(response, 5)
        assert (await ada.client.delete(f"{API}/ai/chats/{chat}")).status == 204
    used = "SELECT completion_tokens FROM ai_usage WHERE user_id = $1"
    assert await fetch_value(service, used, ada.id) == service.config.ai_answer_tokens


async def test_a_key_reads_no_project_by_a_right_that_it_lacks(
    make_user: Any, client: Any, model: ModelServer
) -> None:
    ada, manager = await make_user(), await make_user(role="manager")
    project = await found(ada)
    file = (await make(ada, project, "secret.md", "The secret is a zeppelin."))["id"]
    chat = await begin(manager, projectId=project)
    asked = await ask(manager, chat, "What is it?", fileIds=[file])
    assert "zeppelin" in asked["body"]
    scopes = ["ai:use", "project:read"]
    key = (await create(manager, "/auth/api-keys", name="asks", scopes=scopes))["key"]
    caller = client.as_user({"Authorization": f"Bearer {key}"})
    place = f"{API}/ai/chats/{chat}"
    for call in (
        caller.post(f"{place}/messages", json={"content": "And?", "fileIds": [file]}),
        caller.post(f"{place}/messages", json={"content": "And?", "search": True}),
        caller.post(f"{place}/messages/{asked['id']}/regenerate"),
    ):
        assert "project:manage" in (await refused(call, 403, "permission_required"))["message"]
    assert (await (await caller.get(place)).json())["project"] is None
    listed = (await (await caller.get(f"{API}/ai/chats")).json())["data"]
    assert [one["project"] for one in listed] == [None]
    assert (await (await manager.client.get(place)).json())["project"]["id"] == project
    asking = (await create(manager, "/auth/api-keys", name="blind", scopes=["ai:use"]))["key"]
    own = await begin(manager, projectId=await found(manager))
    blind = client.as_user({"Authorization": f"Bearer {asking}"})
    assert (await (await blind.get(f"{API}/ai/chats/{own}")).json())["project"] is None

"""Answers as events: whole after any failure, resumed on another node, ended with the session."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from nexcorp.db import sql
from nexcorp.security.app_keys import REVOCATIONS
from tests.api import API, NOBODY, refused
from tests.clients import start_web
from tests.features.ai.helpers import EVENTS, Reading, ask, begin, read_events, resume, stream
from tests.modelserver import ModelServer, words

pytestmark = pytest.mark.shared


async def test_an_answer_comes_as_events(make_user: Any) -> None:
    ada = await make_user()
    chat, reading = await begin(ada), Reading()
    origin = {"Origin": "http://localhost:3000"}
    async with stream(ada, chat, "say 60 200", headers=origin) as response:
        assert response.status == 201
        # Like every answer, it may be read by a page of another origin.
        assert response.headers["Access-Control-Allow-Origin"] == origin["Origin"]
        assert response.headers["X-Request-Id"]
        assert response.headers["X-Accel-Buffering"] == "no"
        await reading.read(response)
    assert reading.names[0] == "created" and reading.names[-1] == "end" and reading.names.count("delta") > 1
    assert reading.text == words(60) and reading.end == {"status": "done", "reason": None}
    message = reading.created["answer"]["id"]
    # Read again, whole or from a position on; an unknown position starts over.
    for place, wanted in (
        (None, words(60)),
        ("1.3", words(60)[3:]),
        ("7.3", words(60)),
        ("nonsense", words(60)),
    ):
        async with resume(ada, chat, message, place) as response:
            found = [(name, data) async for name, data, _ in read_events(response.content)]
        assert "".join(data["text"] for name, data in found if name == "delta") == wanted
        assert found[-1][0] == "end"
        assert (found[0][0] == "restarted") == (place == "7.3")
    path = f"{API}/ai/chats/{chat}/messages/{message}/stream"
    async with ada.client.session.get(
        f"{ada.client.url}{path}?after=1.{len(words(60))}", headers=ada.headers
    ) as response:
        assert [name async for name, _, _ in read_events(response.content)] == ["end"]
    for bad in ("x", "1", "1.x", "-1.1", "1.1.1"):
        await refused(ada.client.get(f"{path}?after={bad}"), 422)
    await refused(ada.client.get(path.replace(message, NOBODY)), 404)


async def test_who_leaves_comes_back_at_another_node(make_user: Any, service: Any) -> None:
    ada = await make_user()
    chat, reading = await begin(ada), Reading()
    runner, _, other = await start_web(service.config, service.product)
    try:
        async with stream(ada, chat, "say 100 100") as response:
            await reading.read(response, 50)
        message = reading.created["answer"]["id"]
        async with resume(ada, chat, message, reading.place, other) as response:
            await reading.read(response)
    finally:
        await runner.cleanup()
    assert reading.text == words(100) and reading.end["status"] == "done" and not reading.restarts


async def test_a_key_joins_the_answer_that_it_asked_for(make_user: Any, model: ModelServer) -> None:
    ada = await make_user()
    chat, first, second = await begin(ada), Reading(), Reading()
    key = {"Idempotency-Key": "the-same"}
    asked = len(model.asked)
    async with stream(ada, chat, "say 100 200", headers=key) as response:
        await first.read(response, 20)
        async with stream(ada, chat, "say 100 200", headers=key) as other:
            await asyncio.gather(first.read(response), second.read(other))
    assert first.text == second.text == words(100) and len(model.asked) == asked + 1
    assert first.created["answer"]["id"] == second.created["answer"]["id"]


async def test_a_provider_that_fails_in_the_middle_is_asked_again(make_user: Any) -> None:
    ada = await make_user()
    reading = Reading()
    async with stream(ada, await begin(ada), "cut 30 300") as response:
        await reading.read(response)
    assert reading.restarts == 2 and reading.text == words(30)
    assert reading.end == {"status": "incomplete", "reason": "provider_cut"}
    reading = Reading()
    async with stream(ada, await begin(ada), "fail 3") as response:
        await reading.read(response)
    assert reading.end == {"status": "incomplete", "reason": "provider_failed: overloaded, says ***"}


async def test_a_stream_ends_with_its_session(make_user: Any, service: Any) -> None:
    ada = await make_user()
    chat, reading = await begin(ada), Reading()
    async with stream(ada, chat, "say 500 100") as response:
        await reading.read(response, 20)
        async with service.db.transaction(wait=5) as conn:
            await sql.auth.revoke_session(conn, session_id=ada.session_id, user_id=ada.id, reason="revoked")
        service.app[REVOCATIONS].announce([ada.session_id])
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(reading.read(response), 20)
            # An HTTP response that is whole but has no last event counts as a break, too.
            raise aiohttp.ClientPayloadError
    assert reading.end is None
    async with resume(ada, chat, reading.created["answer"]["id"], None) as response:
        assert response.status == 401


async def test_a_cancelled_answer_keeps_what_there_was(make_user: Any) -> None:
    ada = await make_user()
    chat, reading = await begin(ada), Reading()
    async with stream(ada, chat, "say 1000 50") as response:
        await reading.read(response, 10)
        path = f"{API}/ai/chats/{chat}/messages/{reading.created['answer']['id']}/cancel"
        assert (await ada.client.post(path)).status == 202
        await reading.read(response)
    assert reading.end["status"] == "cancelled" and words(1000).startswith(reading.text) and reading.text
    assert (await ask(ada, chat, "Which"))["status"] == "done"


async def test_what_cannot_be_asked_is_refused_before_a_stream(make_user: Any) -> None:
    ada = await make_user()
    for content, status in (("", 422), ("x" * 28_001, 413)):
        call = ada.client.post(
            f"{API}/ai/chats/{await begin(ada)}/messages", json={"content": content}, headers=EVENTS
        )
        await refused(call, status)

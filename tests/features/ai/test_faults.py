"""Answers while things die: workers, Redis, limits, and a service without a model."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from nexcorp.db import sql
from nexcorp.errors import DatabaseUnavailable
from tests.api import API, fetch_value, refused
from tests.clients import run_service
from tests.features.ai.helpers import EVENTS, Reading, ask, begin, resume, stream
from tests.modelserver import ModelServer, words
from workers import answering
from workers.answering import Answering


async def test_a_worker_that_stops_hands_over(make_user: Any, service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(answering, "GRACE_SECONDS", 0.1)
    ada = await make_user()
    reading = Reading()
    async with stream(ada, await begin(ada), "say 150 100") as response:
        await reading.read(response, 50)
        await service.stop_worker()
        async with run_service(service.config):
            await reading.read(response)
    assert reading.text == words(150) and reading.restarts == 1 and reading.end["status"] == "done"
    assert await fetch_value(service, "SELECT failures FROM ai_answers") == 0


async def test_what_is_claimed_while_a_worker_stops_is_given_back(
    make_user: Any, service: Any, monkeypatch: Any
) -> None:
    claim, claimed, stops = sql.ai_answers.claim_answers, asyncio.Event(), asyncio.Event()

    async def claim_and_wait(conn: Any, **values: Any) -> Any:
        rows = await claim(conn, **values)
        if rows:
            claimed.set()
            await stops.wait()
        return rows

    close = Answering.close

    async def close_meanwhile(answering: Answering) -> None:
        closing = asyncio.create_task(close(answering))
        await asyncio.sleep(0)
        stops.set()
        await closing
        # Other parts of a worker take longer.
        await asyncio.sleep(0.2)

    monkeypatch.setattr(sql.ai_answers, "claim_answers", claim_and_wait)
    monkeypatch.setattr(Answering, "close", close_meanwhile)
    ada = await make_user()
    chat = await begin(ada)
    assert (await ada.client.post(f"{API}/ai/chats/{chat}/messages", json={"content": "say 9"})).status == 201
    await asyncio.wait_for(claimed.wait(), 10)
    await service.stop_worker()
    found = await fetch_value(service, "SELECT (status, failures, lease_until IS NULL)::text FROM ai_answers")
    assert found == "(queued,0,t)"


async def test_a_database_that_is_away_is_no_failure_of_an_answer(
    make_user: Any, service: Any, monkeypatch: Any
) -> None:
    """It would be given up as one that kills workers, after a few outages."""
    make, outages = answering.make_prompt, iter(range(2))

    async def fail_at_first(*values: Any) -> Any:
        if next(outages, None) is not None:
            raise DatabaseUnavailable()
        return await make(*values)

    monkeypatch.setattr(answering, "make_prompt", fail_at_first)
    monkeypatch.setattr(answering, "END_PAUSE_SECONDS", 0.05)
    ada = await make_user()
    answer = await ask(ada, await begin(ada), "say 9")
    assert answer["status"] == "done"
    assert await fetch_value(service, "SELECT (attempts, failures)::text FROM ai_answers") == "(3,0)"


async def test_limits_hold_however_many_ask(
    make_user: Any, web_only: Any, model: ModelServer, client: Any
) -> None:
    ada = await make_user()
    chats = [await begin(ada) for _ in range(8)]
    runner, _, url = await web_only(ai_tokens_a_day=40, ai_answer_tokens=10)
    try:
        session = ada.client.session

        async def post(chat: str) -> tuple[int, str]:
            path = f"{url}{API}/ai/chats/{chat}/messages"
            async with session.post(path, json={"content": "stall 1"}, headers=ada.headers) as answer:
                return answer.status, (await answer.json()).get("code", "")

        found = await asyncio.gather(*map(post, chats))
    finally:
        await runner.cleanup()
    assert sorted(found) == sorted([(201, "")] * 4 + [(429, "token_limit")] * 4)
    more = [await begin(ada) for _ in range(3)]
    found = await asyncio.gather(
        *(ada.client.post(f"{API}/ai/chats/{one}/messages", json={"content": "stall 1"}) for one in more)
    )
    codes = sorted([(one.status, (await one.json()).get("code", "")) for one in found])
    assert codes == [(201, ""), (429, "too_many_answers"), (429, "too_many_answers")]


async def test_without_a_model_nothing_is_asked(make_user: Any, web_only: Any) -> None:
    ada = await make_user()
    chat = await begin(ada)
    runner, _, url = await web_only(ai_base_url="")
    try:
        path = f"{url}{API}/ai/chats/{chat}/messages"
        for headers in ({}, EVENTS):
            async with ada.client.session.post(
                path, json={"content": "say 1"}, headers={**ada.headers, **headers}
            ) as answer:
                assert (answer.status, (await answer.json())["code"]) == (503, "not_configured")
    finally:
        await runner.cleanup()


async def test_a_provider_without_stream_options(make_user: Any, model: ModelServer) -> None:
    model.takes_options = False
    ada = await make_user()
    chat = await begin(ada)
    for _ in range(2):
        assert (await ask(ada, chat, "say 3"))["body"] == words(3)


async def test_redis_that_hangs_slows_answers_and_loses_nothing(make_user: Any, valkey: Any) -> None:
    ada = await make_user()
    reading = Reading()
    async with stream(ada, await begin(ada), "say 100 50") as response:
        await reading.read(response, 10)
        valkey.process.send_signal(signal.SIGSTOP)
        try:
            await reading.read(response)
        finally:
            valkey.process.send_signal(signal.SIGCONT)
    assert reading.text == words(100) and reading.end["status"] == "done"


async def test_who_leaves_takes_their_chats_along(make_user: Any, service: Any) -> None:
    ada = await make_user()
    chat = await begin(ada)
    await ask(ada, chat, "say 1")
    async with ada.client.session.delete(f"{ada.client.url}{API}/users/me", headers=ada.headers) as answer:
        assert answer.status == 204, await answer.text()
    assert await fetch_value(service, "SELECT count(*) FROM ai_messages") == 0
    await refused(ada.client.get(f"{API}/ai/chats/{chat}"), 401)


async def test_of_a_worker_that_died_another_begins_anew(make_user: Any, service: Any) -> None:
    """After kill -9 of a worker some words are stored and its lease runs out."""
    ada = await make_user()
    chat = await begin(ada)
    await service.stop_worker()
    path = f"{API}/ai/chats/{chat}/messages"
    answer = (await (await ada.client.post(path, json={"content": "say 40"})).json())["answer"]["id"]
    async with service.db.transaction(wait=5) as conn:
        (row,) = await sql.ai_answers.claim_answers(conn, worker_id="dead", lease_seconds=0.5, most=5)
        await sql.ai_answers.flush_answers(
            conn,
            worker_id="dead",
            lease_seconds=0.5,
            ids=[row["message_id"]],
            attempts=[row["attempt"]],
            places=[0],
            texts=["w0 w1 half a w"],
        )
    reading = Reading()
    async with resume(ada, chat, answer, None) as response:
        await reading.read(response, 5)
        async with run_service(service.config):
            await reading.read(response)
    assert reading.restarts == 1 and reading.text == words(40) and reading.end["status"] == "done"
    async with service.db.connection(wait=5) as conn:
        # The dead worker comes back, and its flush writes nothing.
        late = await sql.ai_answers.flush_answers(
            conn,
            worker_id="dead",
            lease_seconds=9,
            ids=[row["message_id"]],
            attempts=[1],
            places=[14],
            texts=["x"],
        )
    assert late == [] and await fetch_value(service, "SELECT count(*) FROM ai_chunks") == 0


async def test_an_answer_that_kills_workers_is_given_up(make_user: Any, service: Any) -> None:
    ada = await make_user()
    chat = await begin(ada)
    await service.stop_worker()
    path = f"{API}/ai/chats/{chat}/messages"
    answer = (await (await ada.client.post(path, json={"content": "say 40"})).json())["answer"]["id"]
    for _ in range(3):
        async with service.db.transaction(wait=5) as conn:
            assert await sql.ai_answers.claim_answers(conn, worker_id="dead", lease_seconds=-1, most=5)
    async with run_service(service.config):
        reading = Reading()
        async with resume(ada, chat, answer, None) as response:
            await reading.read(response)
    assert reading.end == {"status": "failed", "reason": "worker_died"}

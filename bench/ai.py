"""A hundred questions at once: whether each answer is whole, and how its words come beside the provider's."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import Any
from uuid import UUID

import aiohttp
import uvloop
from aiohttp import web

from bench.floors import Tell
from bench.remote import Remote, remote, server
from bench.stage import ANYWHERE, QUICK, Stage, read_cpu_seconds, read_family_cpu_seconds
from bench.table import Figure

ANSWERS, WORDS_PER_SECOND = 100, 50
SECONDS, QUICK_SECONDS = 8, 3
LONGEST = aiohttp.ClientTimeout(total=100)


def write_words(count: int) -> list[str]:
    """What each answer says, word by word."""
    return [f"word{n} " for n in range(count)]


def serve_model(tell: Tell, count: int) -> None:
    """A language model that says `count` words at a steady pace, however many ask."""
    ended = json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    spoken = [json.dumps({"choices": [{"delta": {"content": word}}]}) for word in write_words(count)]

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        began = time.monotonic()
        for n, data in enumerate(spoken):
            await response.write(f"data: {data}\n\n".encode())
            await asyncio.sleep(began + (n + 1) / WORDS_PER_SECOND - time.monotonic())
        await response.write(f"data: {ended}\n\ndata: [DONE]\n\n".encode())
        return response

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        tell(runner.addresses[0][1])
        await asyncio.Event().wait()

    uvloop.run(serve())


def read_word(data: Any) -> str:
    """What an event says, that of the service or that of the provider."""
    if "choices" in data:
        return str(data["choices"][0]["delta"].get("content", ""))
    return str(data.get("text", ""))


def ask_all(requests: list[tuple[str, dict[str, str], Any]], count: int) -> list[tuple[float, float, int]]:
    """(seconds to the first word, to the end, how often refused with 503) of each answer, all asked for at
    once; raises where one is not whole."""
    wanted = "".join(write_words(count))

    async def ask(
        session: aiohttp.ClientSession, url: str, headers: Any, body: Any
    ) -> tuple[float, float, int]:
        began, first, text, refused = time.perf_counter(), 0.0, "", 0
        while not text:
            async with session.post(url, headers=headers, json=body) as answer:
                if answer.status == 503:
                    refused += 1
                    await asyncio.sleep(float(answer.headers["Retry-After"]))
                elif answer.status not in (200, 201):
                    raise RuntimeError(f"{answer.status}: {await answer.text()}")
                async for line in answer.content:
                    if line.startswith(b"data: {") and (word := read_word(json.loads(line[6:]))):
                        first = first or time.perf_counter() - began
                        text += word
        if text != wanted:
            raise RuntimeError(f"an answer is not whole: {len(text)} of {len(wanted)} characters")
        return first, time.perf_counter() - began, refused

    async def run() -> list[tuple[float, float, int]]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=LONGEST, connector=connector) as session:
            return await asyncio.gather(*(ask(session, *one) for one in requests))

    return uvloop.run(run())


def open_chats(stage: Stage, port: int, people: int) -> list[tuple[str, dict[str, str], Any]]:
    """A question for each of the first people, in a new chat of theirs."""
    tokens: dict[UUID, str] = dict(stage.sign_tokens(people))
    chats = stage.query(
        "INSERT INTO ai_chats (owner_id) SELECT id FROM bench_users WHERE n <= %s RETURNING id, owner_id",
        people,
    )
    return [
        (
            f"http://127.0.0.1:{port}/api/v1/ai/chats/{chat}/messages",
            {"Authorization": f"Bearer {tokens[owner]}", "Accept": "text/event-stream"},
            {"content": "Say something"},
        )
        for chat, owner in chats
    ]


def measure_asking(stage: Stage, load: Remote, model: int, count: int) -> list[Figure]:
    """The provider alone, then the same through the service."""
    url = f"http://127.0.0.1:{model}/v1"
    alone = load.call(ask_all, [(f"{url}/chat/completions", {}, {})] * ANSWERS, count)
    more = {"AI_BASE_URL": url, "AI_TOKENS_A_DAY": "0"}
    with stage.worker(**more) as worker, stage.web(**more) as (node, port):
        postgres = stage.postgres.process.pid
        # The pool is opened by the first questions.
        load.call(ask_all, open_chats(stage, port, 5), count)
        questions = open_chats(stage, port, ANSWERS)
        before = [read_cpu_seconds(worker.pid), read_cpu_seconds(node.pid), read_family_cpu_seconds(postgres)]
        served = load.call(ask_all, questions, count)
        after = [read_cpu_seconds(worker.pid), read_cpu_seconds(node.pid), read_family_cpu_seconds(postgres)]
    ((whole,),) = stage.query("SELECT count(*) FROM ai_answers WHERE status = 'done' AND attempts = 1")
    if whole != ANSWERS + 5:
        raise RuntimeError(f"{whole} of {ANSWERS + 5} answers are done at once")
    figures = []
    for name, place in (("the first word", 0), ("the last word", 1)):
        took, floor = sorted(one[place] for one in served), sorted(one[place] for one in alone)
        middle, own = statistics.median(took), statistics.median(floor)
        figures.append(
            Figure(
                f"{ANSWERS} answers at once: {name}",
                middle * 1e3,
                "ms",
                ratio=own / middle,
                floor=f"the provider's own {own * 1e3:,.0f} ms",
                detail={
                    "p99_ms": round(took[-2] * 1e3),
                    "floor_p99_ms": round(floor[-2] * 1e3),
                    "refused": sum(one[2] for one in served),
                },
            )
        )
    worker_cpu, web_cpu, database_cpu = (b - a for a, b in zip(before, after, strict=True))
    figures.append(
        Figure(
            f"{ANSWERS} answers at once, CPU",
            (worker_cpu + web_cpu + database_cpu) / ANSWERS * 1e3,
            "ms each",
            detail={
                "words": count,
                "worker_ms": round(worker_cpu / ANSWERS * 1e3, 1),
                "web_ms": round(web_cpu / ANSWERS * 1e3, 1),
                "postgresql_ms": round(database_cpu / ANSWERS * 1e3, 1),
            },
        )
    )
    return figures


def measure(stage: Stage) -> list[Figure]:
    """Nothing is pinned: an answer passes through five processes."""
    count = WORDS_PER_SECOND * (QUICK_SECONDS if stage.size is QUICK else SECONDS)
    with stage.unpinned(), server(ANYWHERE, serve_model, count) as (_, model), remote(ANYWHERE) as load:
        return measure_asking(stage, load, model, count)

"""A hundred questions at once: whether each answer is complete, and its speed next to the provider's own."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import uvloop
from aiohttp import web

from bench.floors import Tell
from bench.remote import Remote, remote, server
from bench.stage import ANYWHERE, QUICK, Stage, read_cpu_seconds, read_family_cpu_seconds
from bench.table import Figure

ANSWERS, FEW, WORDS_PER_SECOND = 100, 5, 50
SECONDS, QUICK_SECONDS = 8, 3
LONGEST = aiohttp.ClientTimeout(total=100)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds from asking until the question was accepted (201; 200 from the provider), until the first and
    until the last word; and the number of 503 refusals."""

    taken: float
    first: float
    last: float
    refused: int


def write_words(count: int) -> list[str]:
    """The words of each answer."""
    return [f"word{n} " for n in range(count)]


def serve_model(tell: Tell, count: int) -> None:
    """Serve a language model that streams `count` words at WORDS_PER_SECOND to any number of clients."""
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
    """The text of a stream event, either of the service or of the provider."""
    if "choices" in data:
        return str(data["choices"][0]["delta"].get("content", ""))
    return str(data.get("text", ""))


def ask_all(requests: list[tuple[str, dict[str, str], Any]], count: int) -> list[Took]:
    """Send all requests at once; returns their times. Raises RuntimeError if an answer is incomplete."""
    wanted = "".join(write_words(count))

    async def ask(session: aiohttp.ClientSession, url: str, headers: Any, body: Any) -> Took:
        began, taken, first, text, refused = time.perf_counter(), 0.0, 0.0, "", 0
        while not text:
            async with session.post(url, headers=headers, json=body) as answer:
                if answer.status == 503:
                    refused += 1
                    await asyncio.sleep(float(answer.headers["Retry-After"]))
                    continue
                if answer.status not in (200, 201):
                    raise RuntimeError(f"{answer.status}: {await answer.text()}")
                taken = time.perf_counter() - began
                async for line in answer.content:
                    if line.startswith(b"data: {") and (word := read_word(json.loads(line[6:]))):
                        first = first or time.perf_counter() - began
                        text += word
        if text != wanted:
            raise RuntimeError(f"an answer is not whole: {len(text)} of {len(wanted)} characters")
        return Took(taken, first, time.perf_counter() - began, refused)

    async def run() -> list[Took]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=LONGEST, connector=connector) as session:
            return await asyncio.gather(*(ask(session, *one) for one in requests))

    return uvloop.run(run())


def open_chats(stage: Stage, port: int, people: int) -> list[tuple[str, dict[str, str], Any]]:
    """One question for each of the first `people` users, each in a new chat, as (URL, headers, body)."""
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


def compare(name: str, served: list[float], alone: list[float], **detail: Any) -> Figure:
    """The median of the service, and its ratio to that of the provider alone; both lists are in seconds."""
    took, own = statistics.median(served), statistics.median(alone)
    slowest = {"slowest_ms": max(served), "floor_slowest_ms": max(alone)}
    return Figure(
        f"{len(served)} questions at once: {name}",
        took * 1e3,
        "ms",
        ratio=own / took,
        floor=f"the provider's own {own * 1e3:,.0f} ms",
        detail={**{key: round(value * 1e3) for key, value in slowest.items()}, **detail},
    )


def measure_asking(stage: Stage, load: Remote, model: int, count: int) -> list[Figure]:
    """Ask the provider alone, then the service: few questions twice, the first time as warm-up, then all."""
    url = f"http://127.0.0.1:{model}/v1"
    alone = load.call(ask_all, [(f"{url}/chat/completions", {}, {})] * ANSWERS, count)
    more = {"AI_BASE_URL": url, "AI_TOKENS_A_DAY": "0"}
    with stage.worker(**more) as worker, stage.web(**more) as (node, port):

        def read_cpu() -> list[float]:
            database = read_family_cpu_seconds(stage.postgres.process.pid)
            return [read_cpu_seconds(worker.pid), read_cpu_seconds(node.pid), database]

        load.call(ask_all, open_chats(stage, port, FEW), count)
        few = load.call(ask_all, open_chats(stage, port, FEW), count)
        questions, before = open_chats(stage, port, ANSWERS), read_cpu()
        served = load.call(ask_all, questions, count)
        cpu = [(now - then) / ANSWERS * 1e3 for now, then in zip(read_cpu(), before, strict=True)]
    ((whole,),) = stage.query("SELECT count(*) FROM ai_answers WHERE status = 'done' AND attempts = 1")
    if whole != ANSWERS + 2 * FEW:
        raise RuntimeError(f"{whole} of {ANSWERS + 2 * FEW} answers are done at once")
    first = [one.first for one in alone]
    spoken = [[one.last - one.first for one in group] for group in (served, alone)]
    figures = [
        compare("from asking to the first word", [one.first for one in group], first)
        for group in (few, served)
    ]
    figures += [
        compare("from the 201 to the first word", [one.first - one.taken for one in group], first)
        for group in (few, served)
    ]
    refused = sum(one.refused for one in served)
    figures.append(compare("from the first word to the last", *spoken, refused=refused))
    parts = dict(zip(("worker_ms", "web_ms", "postgresql_ms"), (round(one, 1) for one in cpu), strict=True))
    name = f"{ANSWERS} questions at once, CPU"
    return [*figures, Figure(name, sum(cpu), "ms each", detail={"words": count, **parts})]


def measure(stage: Stage) -> list[Figure]:
    """Measure without pinning, as an answer passes through five processes."""
    count = WORDS_PER_SECOND * (QUICK_SECONDS if stage.size is QUICK else SECONDS)
    with stage.unpinned(), server(ANYWHERE, serve_model, count) as (_, model), remote(ANYWHERE) as load:
        return measure_asking(stage, load, model, count)

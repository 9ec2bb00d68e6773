"""A language model on loopback that speaks OpenAI's wire format, and behaves as the last question says.

`say N [R]`: N words, R a second; `length N`; `stall N`, `cut N`, `fail N`: N words, then silence, a closed
connection, an error; `busy K NAME`: 429 K times; `cuts K NAME N R`: closed in the middle K times;
`broken`, `refused`: 500, 401; `plain`: JSON in one piece; `split`, `crlf`, `nodone`, `huge`: the same
events in other forms; `count`: without usage; `echo TEXT`: the text. Any other question is answered with
the system's message.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "sk-a-key-that-nobody-may-see"


def words(count: int) -> str:
    """Return the answer to `say N`."""
    return "".join(f"w{n} " for n in range(count))


@dataclass
class ModelServer:
    """The requests, and the number of clients that disconnected in the middle (`left`)."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    left: int = 0
    takes_options: bool = True
    tries: Counter[str] = field(default_factory=Counter)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one completion."""
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return refuse(401, "no key")
        body = await request.json()
        if "stream_options" in body and not self.takes_options:
            return refuse(400, "Unrecognized request argument supplied: stream_options")
        self.asked.append(body)
        name, *rest = body["messages"][-1]["content"].split()
        count = int(rest[0]) if rest and rest[0].isdigit() else 20
        if name == "busy":
            self.tries[rest[1]] += 1
            if self.tries[rest[1]] <= count:
                return refuse(429, "slow down", {"Retry-After": "0"})
            name = "say"
        rate = float(rest[1]) if len(rest) > 1 and rest[1].isdigit() else 500.0
        if name == "cuts":
            self.tries[rest[1]] += 1
            whole, rate = int(rest[2]), float(rest[3])
            name, count = ("cut", whole // 2) if self.tries[rest[1]] <= count else ("say", whole)
        if name == "broken":
            return web.Response(status=500, text="<html>oops</html>")
        if name == "refused":
            return refuse(401, f"Incorrect API key provided: {KEY}")
        if name == "plain":
            return web.json_response({"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]})
        try:
            return await self.stream(request, body, name, count, rate)
        except (ConnectionError, asyncio.CancelledError):
            self.left += 1
            raise

    async def stream(
        self, request: web.Request, body: Any, name: str, count: int, rate: float
    ) -> web.StreamResponse:
        """Send the words as events."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        ends = "\r\n" if name == "crlf" else "\n"

        async def put(data: Any) -> None:
            text = (
                f"data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}{ends}{ends}"
            )
            step = 5 if name == "split" else len(text) * 4
            raw = text.encode()
            for at in range(0, len(raw), step):
                await response.write(raw[at : at + step])
                if name == "split":
                    await asyncio.sleep(0)

        await response.write(f": hello{ends}{ends}".encode())
        await put(delta(""))
        if name in ("say", "length", "stall", "cut", "fail", "crlf", "nodone", "count"):
            for n in range(count):
                await put(delta(f"w{n} "))
                await asyncio.sleep(1 / rate)
        elif name == "split":
            await put(delta("жё€😀 "))
        elif name == "huge":
            await put(delta("x" * 200_000))
        elif name == "echo":
            await put(delta(body["messages"][-1]["content"].removeprefix("echo ")))
        else:
            await put(delta(body["messages"][0]["content"]))
        if name == "stall":
            await asyncio.sleep(600)
        if name == "cut":
            assert request.transport is not None
            request.transport.close()
            return response
        if name == "fail":
            await put({"error": {"message": f"overloaded, says {KEY}", "code": 502}})
            return response
        await put(delta("", "length" if name == "length" else "stop"))
        if body.get("stream_options", {}).get("include_usage") and name != "count":
            await put({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": count}})
        if name != "nodone":
            await put("[DONE]")
        return response


def delta(text: str, finish: str | None = None) -> dict[str, Any]:
    """Return an event with text."""
    return {"choices": [{"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}]}


def refuse(status: int, message: str, headers: Any = None) -> web.Response:
    """Return an error in the form that providers use."""
    return web.json_response({"error": {"message": message}}, status=status, headers=headers)


@asynccontextmanager
async def serve_model() -> AsyncIterator[ModelServer]:
    """Run a language model while the block runs."""
    server = ModelServer()
    app = web.Application(client_max_size=4 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield server
    await runner.cleanup()

"""Whatever a provider sends becomes an answer or a reason for failure, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from nexcorp.config import Config
from nexcorp.doctor import check_assistant
from nexcorp.integrations import ai
from nexcorp.integrations.ai import End, Model, ModelError


def events(*data: Any) -> bytes:
    """The bytes of a provider's events."""
    return b"".join(
        b"data: %b\n\n" % (one if isinstance(one, bytes) else json.dumps(one).encode()) for one in data
    )


def choice(**more: Any) -> dict[str, Any]:
    """One event of a provider, with one choice."""
    return {"choices": [more]}


EVENTS = "text/event-stream"
LONG = b"x" * (ai.MAX_EVENT_BYTES + 1)
DEEP = b'{"a":' * 3000
ODD = choice(delta={"content": "a\0b\ud800"}, finish_reason="odd\0\ud800")
FAILED = {"error": {"message": "no\0 \ud800 way"}}


@pytest.mark.parametrize(
    ("kind", "body", "text", "reason"),
    [
        (EVENTS, b"data: " + LONG, "", "provider_sent_too_much"),
        ("application/json", LONG, "", "provider_sent_too_much"),
        (EVENTS, events(b'{"choices": "\xff\xfe'), "", "provider_unreadable"),
        (EVENTS, events(DEEP), "", "provider_unreadable"),
        (EVENTS, events(b"[1]"), "", "provider_unreadable"),
        ("text/html", b"<html>Sign in</html>", "", "provider_unreadable"),
        ("application/json", b"{}", "", "provider_unreadable"),
        ("application/json", json.dumps(FAILED).encode(), "", "provider_failed: no\ufffd ? way"),
        (EVENTS, events(FAILED), "", "provider_failed: no\ufffd ? way"),
        (EVENTS, events(ODD), "a\ufffdb?", End("odd\ufffd?")),
        (
            EVENTS,
            events({"choices": 5}, {"choices": [None]}, choice(delta=7, finish_reason="stop")),
            "",
            End("stop"),
        ),
        (EVENTS, b"", "", "provider_cut"),
    ],
)
async def test_whatever_a_provider_sends_is_an_answer_or_a_reason(
    kind: str, body: bytes, text: str, reason: Any
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": kind})

    assert await converse(answer) == (text, reason)


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason"),
    [
        (302, {"Location": "/elsewhere"}, b"", "provider_302: no reason given"),
        (400, {}, b"[" * 4000, "provider_400: no reason given"),
        (401, {}, b'{"error": "no \\u0000 the-key"}', "provider_401: no \ufffd ***"),
        (503, {"Retry-After": "nan"}, b"\xff", "provider_503: no reason given"),
    ],
)
async def test_refusals_of_any_form_are_told(status: int, headers: Any, body: bytes, reason: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, body=body)

    assert await converse(answer) == ("", reason)


async def test_what_is_compressed_is_not_unpacked() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        response = web.Response(body=b"x" * 50_000_000, content_type="application/json")
        response.enable_compression(web.ContentCoding.gzip)
        response._compression_force = web.ContentCoding.gzip
        return response

    assert (await converse(answer))[1] in ("provider_unreadable", "provider_sent_too_much")


async def test_the_first_event_may_take_longer_than_later_ones() -> None:
    """Some providers send their headers at once, and only then start thinking."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": EVENTS})
        await response.prepare(request)
        await asyncio.sleep(0.3)
        await response.write(events(choice(delta={"content": "a"})))
        await asyncio.sleep(2)
        return response

    assert await converse(answer, first=2.0, silent=0.1) == ("a", "provider_silent")


async def test_the_doctor_takes_the_key_nowhere_else() -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with provide(answer) as url:
        config = Config(ai_base_url=url, ai_api_key="the-key")
        assert await asyncio.to_thread(check_assistant, config) == []
    assert asked == ["/v1/models"]


@asynccontextmanager
async def provide(handler: Any) -> AsyncIterator[str]:
    """Run a provider that answers every request by `handler`; yield its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def converse(handler: Any, **times: float) -> tuple[str, Any]:
    """Ask Model against this provider; return the text, and the reason of its failure or the End."""
    text = ""
    async with provide(handler) as url:
        model = Model(url, "the-key", "small", **times)
        try:
            async for part in model.ask([{"role": "user", "content": "Hm?"}], model=None, most_tokens=9):
                if isinstance(part, End):
                    return text, part
                text += part
            raise AssertionError("neither an end nor a reason")
        except ModelError as error:
            return text, error.reason
        finally:
            await model.close()

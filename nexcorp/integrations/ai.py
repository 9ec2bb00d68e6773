"""A language model that speaks OpenAI's wire format: one streamed completion over plain HTTP.

The operator chooses its address, AI_BASE_URL, which may be a model on this machine. The client follows no
redirect and keeps no cookie, and error texts never show the key.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import aiohttp

from nexcorp.config import Config

CONNECT_SECONDS, FIRST_SECONDS, SILENT_SECONDS, TOTAL_SECONDS = 10.0, 60.0, 30.0, 600.0
MAX_EVENT_BYTES = 1024 * 1024
MAX_ERROR_BYTES = 4096
MAX_SAID_CHARS = 300
MAX_WAIT_SECONDS = 60.0


class ModelError(Exception):
    """The model gave no answer, or only a part of it.

    `reason`: for the user, without the key. `retry`: whether it may succeed later, after at least `wait`
    seconds if the provider names a time.
    """

    def __init__(self, reason: str, *, retry: bool = False, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.retry, self.wait = reason, retry, wait


@dataclass(frozen=True, slots=True)
class End:
    """The end of an answer: the model's reason (`stop`, `length`), and its token counts, if it sends them."""

    reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class OptionsRefused(Exception):
    """The provider does not support `stream_options`."""


async def read_events(content: Any, first: float, silent: float) -> AsyncGenerator[bytes]:
    """Yield the `data:` of each event, however the chunks are cut; raises ModelError.

    `first` and `silent`: as of Model. Not by aiohttp's line reader, which fails over 64 KB.
    """
    parts = content.iter_any().__aiter__()
    buffer = bytearray()
    seconds = first
    while True:
        try:
            async with asyncio.timeout(seconds):
                part = await anext(parts)
        except StopAsyncIteration:
            return
        seconds = silent
        buffer += part
        if len(buffer) > MAX_EVENT_BYTES:
            raise ModelError("provider_sent_too_much")
        if b"\n" not in part:
            continue
        *lines, rest = buffer.split(b"\n")
        buffer = bytearray(rest)
        for line in lines:
            if line.startswith(b"data:"):
                yield bytes(line[5:].strip())


def read_json(data: bytes) -> dict[str, Any]:
    """Return an object of JSON; raises ModelError."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ModelError("provider_unreadable", retry=True)
    return found


def read_choice(data: dict[str, Any]) -> dict[str, Any]:
    """Return the first choice of an answer, or {} for an event without choices."""
    choices = data.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def clean(text: str) -> str:
    """Replace what PostgreSQL does not take: NUL and halves of characters."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def read_text(choice: dict[str, Any], name: str) -> str:
    """Return the text of a `delta` or `message`."""
    part = choice.get(name)
    text = part.get("content") if isinstance(part, dict) else None
    return clean(text) if isinstance(text, str) else ""


def read_count(usage: Any, name: str) -> int | None:
    """Return a number of tokens, or None if it is invalid."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def read_wait(text: str | None) -> float | None:
    """Return the seconds of Retry-After, or None for a date or an invalid value."""
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return min(seconds, MAX_WAIT_SECONDS) if math.isfinite(seconds) and seconds >= 0 else None


def make_end(reason: Any, usage: Any) -> End:
    """Return the End that a provider reports."""
    named = clean(reason[:50]) if isinstance(reason, str) else "stop"
    return End(named, read_count(usage, "prompt_tokens"), read_count(usage, "completion_tokens"))


class Model:
    """The configured provider; belongs to one event loop and is closed at its end.

    `first` and `silent`: how many seconds it waits for the first byte, and for each later one.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        name: str,
        *,
        first: float = FIRST_SECONDS,
        silent: float = SILENT_SECONDS,
    ) -> None:
        self.url, self.key, self.name = f"{base_url}/chat/completions", key, name
        self.first, self.silent = first, silent
        self._takes_options = True
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # llama.cpp's server closes connections that it promised to keep.
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                # A few compressed bytes may unpack to more than the memory of this process.
                headers={"User-Agent": "NexCorp-Connect", "Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def redact(self, text: str) -> str:
        """Return a provider's text, shortened and without the key."""
        text = clean(text)
        return (text.replace(self.key, "***") if self.key else text)[:MAX_SAID_CHARS]

    async def ask(
        self, messages: Sequence[dict[str, str]], *, model: str | None, most_tokens: int
    ) -> AsyncGenerator[str | End]:
        """Yield the answer in parts, then the End; raises ModelError. Close the generator to stop early.

        `messages`: with role and content. `model` None: the model of the settings.
        """
        body: dict[str, Any] = {
            "model": model or self.name,
            "messages": list(messages),
            "stream": True,
            "max_tokens": most_tokens,
        }
        try:
            if self._takes_options:
                try:
                    async with aclosing(
                        self._stream({**body, "stream_options": {"include_usage": True}})
                    ) as parts:
                        async for part in parts:
                            yield part
                    return
                except OptionsRefused:
                    self._takes_options = False
            async with aclosing(self._stream(body)) as parts:
                async for part in parts:
                    yield part
        except TimeoutError:
            raise ModelError("provider_silent", retry=True) from None
        except aiohttp.ClientPayloadError:
            raise ModelError("provider_cut", retry=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise ModelError(f"provider_unreachable: {type(error).__name__}", retry=True) from None

    async def _stream(self, body: dict[str, Any]) -> AsyncGenerator[str | End]:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = aiohttp.ClientTimeout(
            total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=self.first
        )
        async with self._open().post(
            self.url, json=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            if response.status != 200:
                await self._refuse(response, "stream_options" in body)
            if response.content_type != "text/event-stream":
                data = read_json(await self._read_whole(response))
                choice = read_choice(data)
                self._check(data)
                if not choice:
                    raise ModelError("provider_unreadable", retry=True)
                yield read_text(choice, "message")
                yield make_end(choice.get("finish_reason"), data.get("usage"))
                return
            finish: Any = None
            usage: Any = None
            async with aclosing(read_events(response.content, self.first, self.silent)) as events:
                async for event in events:
                    if event == b"[DONE]":
                        break
                    data = read_json(event)
                    self._check(data)
                    choice = read_choice(data)
                    usage = data.get("usage") or usage
                    finish = choice.get("finish_reason") or finish
                    if text := read_text(choice, "delta"):
                        yield text
            if finish is None:
                raise ModelError("provider_cut", retry=True)
            yield make_end(finish, usage)

    def _check(self, data: dict[str, Any]) -> None:
        """Raises ModelError if a provider reports an error with status 200."""
        if data.get("error"):
            raise ModelError(f"provider_failed: {self._read_error(data)}", retry=True)

    async def _read_whole(self, response: aiohttp.ClientResponse) -> bytes:
        found = bytearray()
        async for part in response.content.iter_any():
            found += part
            if len(found) > MAX_EVENT_BYTES:
                raise ModelError("provider_sent_too_much")
        return bytes(found)

    def _read_error(self, data: dict[str, Any]) -> str:
        error = data.get("error")
        said = error.get("message") if isinstance(error, dict) else error
        return self.redact(str(said or "no reason given"))

    async def _refuse(self, response: aiohttp.ClientResponse, had_options: bool) -> None:
        """Raises the error for a status that is not 200."""
        text = await response.content.read(MAX_ERROR_BYTES)
        status = response.status
        if status == 400 and had_options and b"stream_options" in text:
            raise OptionsRefused
        try:
            said = self._read_error(json.loads(text))
        except (ValueError, AttributeError, RecursionError):
            said = "no reason given"
        retry = status in (408, 429) or status >= 500
        raise ModelError(
            f"provider_{status}: {said}", retry=retry, wait=read_wait(response.headers.get("Retry-After"))
        )


def make_model(config: Config) -> Model | None:
    """Return the language model of the settings, or None."""
    if not config.ai_base_url:
        return None
    return Model(config.ai_base_url, config.ai_api_key, config.ai_model)

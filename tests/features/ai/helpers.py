"""Ask questions and read their answers, as JSON or as events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.api import API, create

EVENTS = {"Accept": "text/event-stream"}


async def begin(user: Any, **body: Any) -> str:
    """Begin a chat; return its id."""
    made: str = (await create(user, "/ai/chats", **body))["id"]
    return made


async def ask(user: Any, chat: str, content: str, *, wait: int = 25, **body: Any) -> dict[str, Any]:
    """Ask a question; return the answer once it ends, or after `wait` seconds."""
    path = f"{API}/ai/chats/{chat}/messages?wait={wait}"
    answer = await user.client.post(path, json={"content": content, **body})
    assert answer.status == 201, await answer.text()
    found: dict[str, Any] = (await answer.json())["answer"]
    return found


async def read_events(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str, Any, str | None]]:
    """Yield each event of a stream: its name, data and id."""
    name, place = "", None
    async for raw in content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("id: "):
            place = line[4:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:]), place
            place = None


@dataclass
class Reading:
    """The part of an answer that a client has read, put together as a browser does."""

    text: str = ""
    place: str | None = None
    restarts: int = 0
    end: Any = None
    created: Any = None
    names: list[str] = field(default_factory=list)

    def take(self, name: str, data: Any, place: str | None) -> None:
        """Take one event in."""
        self.names.append(name)
        self.place = place or self.place
        if name == "created":
            self.created = data
        elif name == "restarted":
            self.text, self.restarts = "", self.restarts + 1
        elif name == "delta":
            assert data["offset"] == len(self.text)
            self.text += data["text"]
        elif name == "end":
            self.end = data

    async def read(self, response: aiohttp.ClientResponse, chars: int | None = None) -> None:
        """Read to the end, or until the text has at least `chars` characters."""
        assert response.status in (200, 201), await response.text()
        assert response.content_type == "text/event-stream"
        async for event in read_events(response.content):
            self.take(*event)
            if chars is not None and len(self.text) >= chars:
                return


def stream(user: Any, chat: str, content: str, url: str | None = None, **more: Any) -> Any:
    """Ask a question and get the answer as events: `async with stream(...) as response`."""
    headers = {**user.headers, **EVENTS, **more.pop("headers", {})}
    return user.client.session.post(
        f"{url or user.client.url}{API}/ai/chats/{chat}/messages",
        json={"content": content, **more},
        headers=headers,
    )


def resume(user: Any, chat: str, message: str, place: str | None, url: str | None = None) -> Any:
    """Read the same answer again, from behind `place` on."""
    headers = {**user.headers, **({"Last-Event-ID": place} if place else {})}
    return user.client.session.get(
        f"{url or user.client.url}{API}/ai/chats/{chat}/messages/{message}/stream", headers=headers
    )

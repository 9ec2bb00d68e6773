"""Asking, and reading what is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.api import API, create

EVENTS = {"Accept": "text/event-stream"}


async def begin(user: Any, **body: Any) -> str:
    """A new chat of a user's."""
    made: str = (await create(user, "/ai/chats", **body))["id"]
    return made


async def ask(user: Any, chat: str, content: str, *, wait: int = 25, **body: Any) -> dict[str, Any]:
    """The answer to a question, which is waited for."""
    path = f"{API}/ai/chats/{chat}/messages?wait={wait}"
    answer = await user.client.post(path, json={"content": content, **body})
    assert answer.status == 201, await answer.text()
    found: dict[str, Any] = (await answer.json())["answer"]
    return found


async def read_events(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str, Any, str | None]]:
    """Each event of a stream: its name, data and id."""
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
    """What a client has read of an answer so far, as browsers would put it together."""

    text: str = ""
    place: str | None = None
    restarts: int = 0
    end: Any = None
    created: Any = None
    names: list[str] = field(default_factory=list)

    def take(self, name: str, data: Any, place: str | None) -> None:
        """One event."""
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
        """Read on, to the end or until there are so many characters."""
        assert response.status in (200, 201), await response.text()
        assert response.content_type == "text/event-stream"
        async for event in read_events(response.content):
            self.take(*event)
            if chars is not None and len(self.text) >= chars:
                return


def stream(user: Any, chat: str, content: str, url: str | None = None, **more: Any) -> Any:
    """A question whose answer comes as events: `async with stream(...) as response`."""
    headers = {**user.headers, **EVENTS, **more.pop("headers", {})}
    return user.client.session.post(
        f"{url or user.client.url}{API}/ai/chats/{chat}/messages",
        json={"content": content, **more},
        headers=headers,
    )


def resume(user: Any, chat: str, message: str, place: str | None, url: str | None = None) -> Any:
    """The same answer once more, behind a place."""
    headers = {**user.headers, **({"Last-Event-ID": place} if place else {})}
    return user.client.session.get(
        f"{url or user.client.url}{API}/ai/chats/{chat}/messages/{message}/stream", headers=headers
    )

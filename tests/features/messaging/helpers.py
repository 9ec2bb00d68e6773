"""Conversations as tests make and read them: over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.api import API, create, get_json


async def talk(user: Any, other: Any) -> str:
    """The direct conversation of two people; returns its id."""
    answer = await user.client.post(f"{API}/conversations", json={"userId": str(other.id)})
    assert answer.status in (200, 201), await answer.text()
    conversation: str = (await answer.json())["id"]
    return conversation


async def gather(owner: Any, *people: Any, title: str = "A group") -> str:
    """A new group; returns its id."""
    ids = [str(one.id) for one in people]
    conversation: str = (await create(owner, "/conversations", title=title, userIds=ids))["id"]
    return conversation


async def write(user: Any, conversation: str, body: str = "Hello.", **fields: Any) -> dict[str, Any]:
    """A new message."""
    return await create(user, f"/conversations/{conversation}/messages", body=body, **fields)


async def read(user: Any, conversation: str, n: int) -> dict[str, Any]:
    """Mark as read; returns the marks."""
    answer = await user.client.put(f"{API}/conversations/{conversation}/read", json={"n": n})
    assert answer.status == 200, await answer.text()
    marks: dict[str, Any] = await answer.json()
    return marks


async def history(user: Any, conversation: str, query: str = "") -> list[int]:
    """The numbers of a page of messages."""
    found = await get_json(user.client, f"/conversations/{conversation}/messages{query}")
    return [message["n"] for message in found["data"]]


async def unread(user: Any, conversation: str) -> int:
    """How many messages of a conversation a person has not read."""
    count: int = (await get_json(user.client, f"/conversations/{conversation}"))["unread"]
    return count


async def remove(owner: Any, conversation: str, person: Any) -> Any:
    """The answer to taking somebody out."""
    return await owner.client.delete(f"{API}/conversations/{conversation}/members/{person.id}")


async def hasten(service: Any) -> None:
    """Have the ten seconds over that messages wait to be read."""
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE outbox SET next_at = now() WHERE receivers_after = $1", UUID(int=0))

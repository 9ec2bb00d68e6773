"""Make and read conversations over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.api import API, create, get_json


async def talk(user: Any, other: Any) -> str:
    """Open the direct conversation of two people; return its id."""
    answer = await user.client.post(f"{API}/conversations", json={"userId": str(other.id)})
    assert answer.status in (200, 201), await answer.text()
    conversation: str = (await answer.json())["id"]
    return conversation


async def gather(owner: Any, *people: Any, title: str = "A group") -> str:
    """Make a group; return its id."""
    ids = [str(one.id) for one in people]
    conversation: str = (await create(owner, "/conversations", title=title, userIds=ids))["id"]
    return conversation


async def write(user: Any, conversation: str, body: str = "Hello.", **fields: Any) -> dict[str, Any]:
    """Send a message; return it."""
    return await create(user, f"/conversations/{conversation}/messages", body=body, **fields)


async def read(user: Any, conversation: str, n: int) -> dict[str, Any]:
    """Mark the messages up to `n` as read; return the marks."""
    answer = await user.client.put(f"{API}/conversations/{conversation}/read", json={"n": n})
    assert answer.status == 200, await answer.text()
    marks: dict[str, Any] = await answer.json()
    return marks


async def history(user: Any, conversation: str, query: str = "") -> list[int]:
    """The numbers of the messages on a page."""
    found = await get_json(user.client, f"/conversations/{conversation}/messages{query}")
    return [message["n"] for message in found["data"]]


async def unread(user: Any, conversation: str) -> int:
    """The number of a conversation's messages that the user has not read."""
    count: int = (await get_json(user.client, f"/conversations/{conversation}"))["unread"]
    return count


async def remove(owner: Any, conversation: str, person: Any) -> Any:
    """Remove a member; return the answer."""
    return await owner.client.delete(f"{API}/conversations/{conversation}/members/{person.id}")


async def hasten(service: Any) -> None:
    """Let the ten seconds pass that a message waits to be read."""
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE outbox SET next_at = now() WHERE receivers_after = $1", UUID(int=0))

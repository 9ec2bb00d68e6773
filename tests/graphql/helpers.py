"""What the tests of GraphQL share: documents over HTTP, a client of the subprotocol, and notifications."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from aiohttp import WSMsgType

from tests.api import API, outbox_empty, publish, say
from tests.conftest import wait_until

PATH = "/api/graphql"
PAGE = "{ getNotifications { id type title isRead cursor postId } }"


async def execute(user: Any, query: str, status: int = 200, **variables: Any) -> dict[str, Any]:
    """What a document comes to; `user` is a User or a Client."""
    body = {"query": query, "variables": variables}
    answer = await getattr(user, "client", user).post(PATH, json=body)
    assert answer.status == status, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def fetch(user: Any, query: str, **variables: Any) -> dict[str, Any]:
    """The data of a document that must not fail."""
    found = await execute(user, query, **variables)
    assert "errors" not in found, found
    data: dict[str, Any] = found["data"]
    return data


async def fail(user: Any, query: str, status: int = 200, **variables: Any) -> dict[str, Any]:
    """The one error of a document that must fail: its message, and what its extensions say."""
    found = await execute(user, query, status, **variables)
    assert found.get("data") is None, found
    (error,) = found["errors"]
    assert error["extensions"]["requestId"]
    return {"message": error["message"], **error["extensions"]}


async def settle(service: Any) -> None:
    """Wait until everything that happened is delivered."""
    await wait_until(lambda: outbox_empty(service))


async def make_news(service: Any, ann: Any, bob: Any, count: int = 3) -> list[dict[str, Any]]:
    """So many comments of Bob's on posts of Ann's, who was told of each."""
    comments = [await say(bob, (await publish(ann))["id"]) for _ in range(count)]
    await settle(service)
    return comments


async def list_ids(user: Any) -> list[str]:
    """The ids of a user's notifications, newest first, over REST."""
    answer = await user.client.get(f"{API}/notifications?limit=100")
    return [row["id"] for row in (await answer.json())["data"]]


class Talk:
    """A client of graphql-transport-ws."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def say(self, kind: str, **more: Any) -> None:
        await self.ws.send_json({"type": kind, **more})

    async def begin(self, **payload: Any) -> dict[str, Any]:
        """connection_init; the payload of connection_ack."""
        await self.say("connection_init", payload=payload)
        return (await self.hear("connection_ack"))["payload"]

    async def subscribe(self, query: str, name: str = "one", **variables: Any) -> None:
        await self.say("subscribe", id=name, payload={"query": query, "variables": variables})

    async def hear(self, kind: str = "next", seconds: float = 5.0) -> dict[str, Any]:
        """The next message, which must be of this type."""
        async with asyncio.timeout(seconds):
            message: dict[str, Any] = await self.ws.receive_json()
        assert message["type"] == kind, message
        return message

    async def refused(self, name: str = "one") -> tuple[str, int]:
        """The code and the status of the error that ends an operation."""
        message = await self.hear("error")
        assert message["id"] == name
        (error,) = message["payload"]
        return error["extensions"]["code"], error["extensions"]["statusCode"]

    async def closed(self, seconds: float = 6.0) -> int | None:
        """The close code; what comes before it is passed over."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.ws.receive()
                if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                    return self.ws.close_code


async def open_talk(client: Any, user: Any = None, **query: Any) -> Talk:
    """A socket at /api/graphql, of `user` by header where one is given."""
    return Talk(
        await client.session.ws_connect(
            client.url + PATH,
            protocols=("graphql-transport-ws",),
            headers=user.headers if user is not None else {},
            params=query,
        )
    )

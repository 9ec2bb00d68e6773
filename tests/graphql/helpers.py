"""Helpers of the tests of GraphQL: documents over HTTP, a client of the subprotocol, and notifications."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from aiohttp import WSMsgType

from tests.api import API, outbox_empty, publish, say
from tests.clients import PATIENCE
from tests.conftest import wait_until

PATH = "/api/graphql"
PAGE = "{ getNotifications { id type title isRead cursor postId } }"


async def execute(user: Any, query: str, status: int = 200, **variables: Any) -> dict[str, Any]:
    """Send a document; return the whole JSON answer. `user` is a User or a Client."""
    body = {"query": query, "variables": variables}
    answer = await getattr(user, "client", user).post(PATH, json=body)
    assert answer.status == status, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def fetch(user: Any, query: str, **variables: Any) -> dict[str, Any]:
    """Return the data of a document; fails if it has errors."""
    found = await execute(user, query, **variables)
    assert "errors" not in found, found
    data: dict[str, Any] = found["data"]
    return data


async def fail(user: Any, query: str, status: int = 200, **variables: Any) -> dict[str, Any]:
    """Return message and extensions of a document's only error; fails if there is data."""
    found = await execute(user, query, status, **variables)
    assert found.get("data") is None, found
    (error,) = found["errors"]
    assert error["extensions"]["requestId"]
    return {"message": error["message"], **error["extensions"]}


async def settle(service: Any) -> None:
    """Wait until the outbox is empty."""
    await wait_until(lambda: outbox_empty(service))


async def make_news(service: Any, ann: Any, bob: Any, count: int = 3) -> list[dict[str, Any]]:
    """Let Bob comment `count` posts of Ann; return the comments once Ann has the notifications."""
    comments = [await say(bob, (await publish(ann))["id"]) for _ in range(count)]
    await settle(service)
    return comments


async def list_ids(user: Any) -> list[str]:
    """Return the ids of a user's notifications, newest first, read over REST."""
    answer = await user.client.get(f"{API}/notifications?limit=100")
    return [row["id"] for row in (await answer.json())["data"]]


class Talk:
    """A client of graphql-transport-ws."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def say(self, kind: str, **more: Any) -> None:
        await self.ws.send_json({"type": kind, **more})

    async def begin(self, **payload: Any) -> dict[str, Any]:
        """Send connection_init; return the payload of connection_ack."""
        await self.say("connection_init", payload=payload)
        return (await self.hear("connection_ack"))["payload"]

    async def subscribe(self, query: str, name: str = "one", **variables: Any) -> None:
        await self.say("subscribe", id=name, payload={"query": query, "variables": variables})

    async def hear(self, kind: str = "next") -> dict[str, Any]:
        """Return the next message; fails unless it has this type."""
        async with asyncio.timeout(PATIENCE):
            message: dict[str, Any] = await self.ws.receive_json()
        assert message["type"] == kind, message
        return message

    async def refused(self, name: str = "one") -> tuple[str, int]:
        """Return code and status of the error that ends an operation."""
        message = await self.hear("error")
        assert message["id"] == name
        (error,) = message["payload"]
        return error["extensions"]["code"], error["extensions"]["statusCode"]

    async def closed(self) -> int | None:
        """Return the close code; skips messages before it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.ws.receive()
                if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                    return self.ws.close_code


async def open_talk(client: Any, user: Any = None, **query: Any) -> Talk:
    """Open a socket at /api/graphql, with the credentials of `user` if given."""
    return Talk(
        await client.session.ws_connect(
            client.url + PATH,
            protocols=("graphql-transport-ws",),
            headers=user.headers if user is not None else {},
            params=query,
        )
    )

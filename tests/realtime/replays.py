"""Helpers that read the frames which a returning client gets."""

from __future__ import annotations

import json
from typing import Any

from nexcorp.db import sql
from nexcorp.realtime.node import NODE
from tests.api import outbox_empty
from tests.conftest import Live, wait_until
from tests.realtime.helpers import subscribe


async def delivered(service: Any) -> None:
    """Wait until every event is in its rooms."""
    await wait_until(lambda: outbox_empty(service))


async def replay(live: Live, service: Any, room: str, after: int = 0) -> list[dict[str, Any]]:
    """Join with the number `after`; return the replayed frames, and leave."""
    epoch = service.app[NODE].positions.epoch
    answer = await subscribe(live, room, epoch=epoch, seq=after)
    assert answer["recovered"] is True
    frames: list[dict[str, Any]] = []
    while len(frames) < answer["seq"] - after:
        frame = await live.next()
        # Live frames of the user's own room may come in between.
        if frame.get("room") == room:
            frames.append(frame)
    assert [frame["seq"] for frame in frames] == list(range(after + 1, answer["seq"] + 1))
    await live.send("unsubscribe", {"room": room})
    await live.next("unsubscribed")
    return frames


async def render(service: Any, room: str, after: int = 0) -> list[dict[str, Any]]:
    """Return the frames that a node renders, for a room that nobody can join any more."""
    async with service.db.connection(wait=5) as conn:
        rows = await sql.realtime.read_frames(conn, room=room, after=after, most=500)
        return [json.loads(text) for text in await service.product.renderer.render(conn, rows)]


async def replay_own(user: Any, service: Any, after: int = 0) -> list[dict[str, Any]]:
    """Connect with the number `after`; return the replayed frames of the user's own room."""
    query = {"epoch": service.app[NODE].positions.epoch, "seq": str(after)}
    ws = await user.client.session.ws_connect(service.url + "/ws", headers=user.headers, params=query)
    live = Live(ws, service.product)
    hello = (await live.next("connected"))["data"]
    assert hello["recovered"] is True
    frames = [await live.next() for _ in range(hello["seq"] - after)]
    assert (await live.next())["event"] == "unread-count"
    await ws.close()
    return frames

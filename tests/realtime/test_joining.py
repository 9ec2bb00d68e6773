"""Sockets come, go and come back while frames are delivered fast: none misses or repeats a frame."""

from __future__ import annotations

import asyncio
import random

import pytest

from nexcorp.realtime import joining
from tests.conftest import Live
from tests.realtime.helpers import create_post, edit_post, subscribe

TOTAL = 450
WATCHERS = 10
SEED = 1


async def watch(client, urls, user, room: str, chance: random.Random) -> None:
    """Join random nodes for random times until every frame was seen; fails at a wrong number."""
    epoch, seen = None, None
    while seen != TOTAL:
        ws = await client.session.ws_connect(chance.choice(urls) + "/ws", headers=user.headers)
        live = Live(ws)
        joined = False
        for _ in range(chance.randint(1, 3)):
            live.frames.clear()
            past = {} if seen is None else {"epoch": epoch, "seq": seen}
            answer = await subscribe(live, room, **past)
            assert joined or all(frame.get("room") != room for frame in live.frames)
            joined = True
            if seen is None:
                epoch, seen = answer["epoch"], answer["seq"]
            else:
                assert answer["recovered"] is True
            leaving = min(TOTAL, seen + chance.randint(1, TOTAL // 6))
            while seen < leaving:
                frame = await live.next(seconds=15)
                if frame.get("room") == room:
                    seen += 1
                    assert frame["seq"] == seen
                    # The first frame stems from version 2; a replay may already show a later version.
                    assert frame["data"]["version"] > seen
            if seen == TOTAL:
                break
            if chance.random() < 0.5:
                await live.send("unsubscribe", {"room": room})
                # Frames that come before the answer count as seen.
                joined = False
                while (frame := await live.next())["event"] != "unsubscribed":
                    if frame.get("room") == room:
                        assert frame["seq"] == seen + 1
                        seen += 1
        if chance.random() < 0.3:
            ws._response.connection.transport.abort()
        await ws.close()


@pytest.fixture
def slow_reads(monkeypatch):
    """Delays between reading the past and going live, so that frames come in between."""
    read, chance = joining.read_past, random.Random(SEED)

    async def read_slowly(*args):
        past = await read(*args)
        await asyncio.sleep(chance.random() * 0.03)
        return past

    monkeypatch.setattr(joining, "read_past", read_slowly)


async def test_everybody_sees_one_unbroken_run(make_user, client, service, second_node, slow_reads):
    ada = await make_user()
    post = await create_post(ada)
    watchers = [await make_user() for _ in range(WATCHERS)]
    urls, chance = [service.url, second_node], random.Random(SEED)

    async def write() -> None:
        number = 0
        while number < TOTAL:
            upto = min(TOTAL, number + chance.randint(1, 12))
            await edit_post(service.db, post, ada.id, upto - number)
            number = upto
            await asyncio.sleep(0.01)

    async with asyncio.timeout(40), asyncio.TaskGroup() as group:
        group.create_task(write())
        for index, user in enumerate(watchers):
            mine = random.Random(f"{SEED}/{index}")
            group.create_task(watch(client, urls, user, f"post:{post}", mine))

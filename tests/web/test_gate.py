"""The gate holds requests until there is a place, serves them in the best order, or refuses them unbegun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE

from nexcorp.db import sql
from nexcorp.web import gate
from nexcorp.web.gate import GATE
from tests.api import API
from tests.web.calls import WRITES, check_envelope, serving, sign_other


async def test_requests_are_held_until_there_is_a_place_or_refused_unbegun(
    web_only: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(web_only) as (app, client):
        entered, finish, begun = asyncio.Event(), asyncio.Event(), []

        async def list_slowly(conn: Any, **values: Any) -> list[Any]:
            begun.append(values["most"])
            entered.set()
            await finish.wait()
            return []

        monkeypatch.setattr(sql.feed, "list_feed", list_slowly)
        monkeypatch.setattr(app[GATE], "most", 1)
        slow = asyncio.create_task(client.get(f"{API}/feed"))
        await entered.wait()
        held = asyncio.create_task(client.get(f"{API}/feed?limit=2"))
        headers = {"Origin": "http://localhost", "X-Request-Id": "mine"}
        refused = [
            await client.get(f"{API}/feed?limit=3", headers=headers),
            await client.post(f"{API}/posts", json={"body": "x"}, headers=headers),
            # This body is still arriving, so the gateway refuses it, not the gate.
            await client.post(f"{API}/posts", data=drip(b'{"body": "x"}'), headers=headers),
        ]
        for answer in refused:
            error = await check_envelope(answer, 503, "overloaded")
            assert (error["requestId"], answer.headers["X-Request-Id"]) == ("mine", "mine")
            assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert int(answer.headers["Retry-After"]) >= 1
        assert (await client.get("/health")).status == 200
        assert (await held).status == 503
        assert begun == [21]
        held = asyncio.create_task(client.get(f"{API}/feed?limit=4"))
        await asyncio.sleep(0.05)
        finish.set()
        assert [(await slow).status, (await held).status, begun] == [200, 200, [21, 5]]
        assert app[GATE].working == 0


async def test_requests_behind_one_another_are_all_answered_in_order(
    web_only: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(web_only) as (app, client):
        monkeypatch.setattr(app[GATE], "most", 0)
        count = 3 * MAX_MSG_QUEUE_SIZE
        path = f"{API}/notifications/unread-count"
        head = f"Host: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
        asked = "".join(f"GET {path} HTTP/1.1\r\n{head}X-Request-Id: {n}\r\n\r\n" for n in range(count))
        url = urlsplit(client.url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(asked.encode())
        await asyncio.sleep(0.1)
        assert app[GATE].working == 0
        app[GATE].most = 2
        app[GATE].let_in()
        found = []
        async with asyncio.timeout(20):
            while len(found) < count:
                line = await reader.readline()
                if line.startswith(b"X-Request-Id:"):
                    found.append(int(line.split()[1]))
        assert found == list(range(count))
        writer.close()
        await writer.wait_closed()
        assert app[GATE].working == 0


async def drip(data: bytes) -> AsyncIterator[bytes]:
    """Yield a body byte by byte."""
    for byte in data:
        yield bytes([byte])
        await asyncio.sleep(0.01)


async def test_a_request_that_waits_for_its_client_takes_no_place(
    web_only: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(web_only) as (app, client):
        monkeypatch.setattr(app[GATE], "most", 1)
        json = {"Content-Type": "application/json"}
        bodies = [b'{"body": "' + b"x" * 30 + b'"}'] * 3
        slow = [client.post(f"{API}/posts", data=drip(body), headers=json) for body in bodies]
        posts = asyncio.gather(*slow)
        await asyncio.sleep(0.1)
        assert (await client.get(f"{API}/posts")).status == 200
        assert [answer.status for answer in await posts] == [201] * 3
        assert app[GATE].working == 0


async def test_the_newest_goes_first_where_not_all_are_served_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, order = 100.0, []
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)

    class One:
        def __init__(self, name: str) -> None:
            self.go_on = lambda: order.append(name)
            self.refuse = lambda: order.append(f"not {name}")

    places = gate.Gate(1)
    places.sit(object())

    def pass_on() -> None:
        """Free the only place and let the next request in."""
        places.working -= 1
        places.let_in()

    for _ in range(4):
        places.hold(One("early"))
        pass_on()
    now += 1.5 * gate.IN_TIME_SECONDS
    for name in "abcdef":
        places.hold(One(name))
    # Two requests were served in that time.
    for _ in range(5):
        pass_on()
    now += gate.FRESH_SECONDS
    places._look_after_late()
    places.hold(One("new"))
    pass_on()
    now += gate.HELD_SECONDS - gate.FRESH_SECONDS
    places._look_after_late()
    assert order[4:] == ["f", "e", "d", "c", "a", "new", "not b"]


async def test_bodies_that_do_not_come_leave_places_to_others(web_only: Any) -> None:
    async with serving(web_only, max_in_flight=8) as (app, client):
        url = urlsplit(client.url)
        other = {"Authorization": f"Bearer {await sign_other(app, 'other')}"}
        head = (
            f"POST {API}/comments HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
            f"Authorization: {client.headers['Authorization']}\r\nContent-Length: 100\r\n\r\n{{"
        )
        writers = []
        for _ in range(8):
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(head.encode())
            writers.append(writer)
        # An account may have a third of the half for arriving bodies; its others are refused at once.
        assert await reader.readuntil(b"\r\n") == b"HTTP/1.1 429 Too Many Requests\r\n"
        assert 0 < app[GATE].begun < 4
        assert (await client.get(f"{API}/feed")).status == 200
        answer = await client.post(f"{API}/posts", data=drip(b'{"body": "x"}'), headers={**other, **WRITES})
        assert answer.status == 201
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.1)
        assert (app[GATE].begun, app[GATE].arriving._waiting) == (0, {})

"""Turns at one hot row: in order, not for ever, and nothing is left behind."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from nexcorp.errors import Unavailable
from nexcorp.web import turns
from nexcorp.web.turns import AT_ONCE, Turns


async def hold(line: Turns, row: UUID, order: list[int], number: int, until: asyncio.Event) -> None:
    """Take a turn, note it, and keep it until the event is set."""
    async with line.take(row):
        order.append(number)
        await until.wait()


async def test_those_at_one_row_take_turns_and_others_do_not_wait() -> None:
    line, row, order, until = Turns(), uuid4(), [], asyncio.Event()
    crowd = [asyncio.create_task(hold(line, row, order, number, until)) for number in range(5)]
    await asyncio.sleep(0.01)
    assert order == list(range(AT_ONCE))
    async with asyncio.timeout(0.1), line.take(uuid4()):
        pass
    # A waiting task that is cancelled does not change the order.
    crowd[3].cancel()
    until.set()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert order == [0, 1, 2, 4]
    assert not line._queues


async def test_who_waits_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.05)
    line, row, until = Turns(), uuid4(), asyncio.Event()
    holders = [asyncio.create_task(hold(line, row, [], number, until)) for number in range(AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as caught:
        async with line.take(row):
            pass
    assert caught.value.code == "contention"
    until.set()
    await asyncio.gather(*holders)
    async with line.take(row):
        pass
    assert not line._queues


async def test_what_fails_gives_its_turn_back() -> None:
    line, row = Turns(), uuid4()
    for _ in range(AT_ONCE + 1):
        with pytest.raises(LookupError):
            async with line.take(row):
                raise LookupError
    assert not line._queues

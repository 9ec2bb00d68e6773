"""Frames of any kind count when they arrive: a flood ends its socket with 4013."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import pytest

from nexcorp.realtime import inbound, node, socket
from nexcorp.realtime.protocol import MAX_INBOUND_BYTES
from tests.realtime.helpers import Raw, open_raw

TOO_MANY = struct.pack("!H", 4013)
TEXT, PART, MORE, LAST, PING, PONG = 0x81, 0x01, 0x00, 0x80, 0x89, 0x8A


def empty(opcode: int) -> bytes:
    """A masked frame without a payload."""
    return bytes((opcode, 0x80, 0, 0, 0, 0))


async def pongs(raw: Raw, count: int) -> list[dict[str, Any]]:
    """Return the next `count` answers to `ping` commands."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        first, payload = await raw.read()
        assert first == TEXT, (first, payload)
        frame = json.loads(payload)
        if frame["event"] == "pong":
            found.append(frame)
    return found


@pytest.mark.parametrize(
    ("first", "opcode"),
    [(b"", TEXT), (b"", PING), (b"", PONG), (empty(PART), MORE), (empty(PART), PONG)],
    ids=("texts", "pings", "pongs", "fragments", "pongs between fragments"),
)
async def test_empty_frames_are_counted(make_user: Any, service: Any, first: bytes, opcode: int) -> None:
    async with open_raw(service.url, await make_user()) as raw:
        raw.writer.write(first + empty(opcode) * 10_000)
        frames = await raw.rest()
    assert [payload[:2] for start, payload in frames if start == 0x88] == [TOO_MANY]
    answered = [start for start, payload in frames if start == PONG]
    assert len(answered) == (40 if opcode == PING else 0)


async def test_frames_are_counted_wherever_they_are_cut(make_user: Any, service: Any) -> None:
    async with open_raw(service.url, await make_user()) as raw:
        for _ in range(6):
            raw.writer.write(b"\x81")
            await asyncio.sleep(0.01)
            raw.writer.write(b"\x90\0\0")
            await asyncio.sleep(0.01)
            raw.writer.write(b'\0\0{"event":')
            await asyncio.sleep(0.01)
            raw.writer.write(b'"ping"}')
        assert len(await pongs(raw, 6)) == 6
        raw.writer.write(empty(PONG) * 50)
        assert (await raw.rest())[-1][1][:2] == TOO_MANY


async def test_fragments_within_the_budget_are_one_message(make_user: Any, service: Any) -> None:
    async with open_raw(service.url, await make_user()) as raw:
        text = b'{"event":"ping","id":"cut"}'
        raw.send(text[:1], PART)
        for at in range(1, 20):
            raw.send(text[at : at + 1], MORE)
        raw.send(text[20:], LAST)
        assert (await pongs(raw, 1))[0]["id"] == "cut"


async def test_fragments_together_may_be_no_larger_than_a_message(make_user: Any, service: Any) -> None:
    async with open_raw(service.url, await make_user()) as raw:
        raw.send(b"x" * (MAX_INBOUND_BYTES // 2), PART)
        raw.send(b"x" * (MAX_INBOUND_BYTES // 2 + 1), MORE)
        assert (await raw.rest())[-1][1][:2] == struct.pack("!H", 1009)


async def test_bytes_are_counted_before_they_are_assembled(make_user: Any, service: Any) -> None:
    async with open_raw(service.url, await make_user()) as raw:
        large = b'{"event":"ping"' + b" " * (MAX_INBOUND_BYTES - 16) + b"}"
        for _ in range(12):
            raw.send(large)
        frames = await raw.rest()
    # Each message counts as five of the forty.
    answers = [payload for start, payload in frames if start == TEXT and b'"pong"' in payload]
    assert 8 <= len(answers) < 12
    assert frames[-1][1][:2] == TOO_MANY


async def test_the_pong_to_a_ping_is_free(make_user: Any, service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(node, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(socket, "PING_SECONDS", 0.1)
    monkeypatch.setattr(inbound, "MESSAGES_BURST", 3.0)
    monkeypatch.setattr(inbound, "MESSAGES_PER_SECOND", 0.0)
    async with open_raw(service.url, await make_user()) as raw:
        answered = 0
        while answered < 6:
            first, payload = await raw.read()
            assert first != 0x88, payload
            if first == PING:
                raw.send(payload, PONG)
                answered += 1
        # Only two extra pongs for each ping are free; these are more.
        raw.writer.write(empty(PONG) * 5)
        assert (await raw.rest())[-1][1][:2] == TOO_MANY

"""Readers: live sockets that resume where they ended, and show each numbered frame once."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.chaos.people import BROKEN, Api, Person

MAX_RECOVERED = 500
CONNECT_SECONDS = 10.0
RESYNC, TOKEN_EXPIRED, DO_NOT_RETURN = 4010, 4005, 4500
# Close codes for malformed bytes or a server error: neither side may ever give a reason for them.
BAD_BYTES = (1002, 1003, 1007, 1009, 1011)
# The probability that a reader that reconnects has no position, like a new device.
FORGETFUL = 0.1


@dataclass(frozen=True)
class Shown:
    """One frame that a reader showed: its number, its event, and the id in its data."""

    seq: int
    event: str
    id: str | None


@dataclass
class Stream:
    """One room as one reader sees it. `state`: ids it fetched over REST, which cover numbers up to `since`.

    `fetching`: a fetch of the state is under way.
    """

    room: str
    epoch: str | None = None
    seq: int | None = None
    shown: list[Shown] = field(default_factory=list)
    state: set[str] = field(default_factory=set)
    since: int = 0
    fetching: bool = False
    repeated: int = 0
    jumps: int = 0
    problems: list[str] = field(default_factory=list)

    def take(self, frame: dict[str, Any]) -> None:
        """Show a frame, unless it was shown before; note a gap as a problem."""
        seq = frame["seq"]
        if self.seq is not None and seq <= self.seq:
            self.repeated += 1
            return
        if self.seq is None or seq != self.seq + 1:
            self.problems.append(f"{self.room}: after {self.seq} came {seq}")
        self.seq = seq
        self.shown.append(Shown(seq, frame["event"], frame["data"].get("id")))

    def welcome(self, data: dict[str, Any], offered: int | None) -> bool:
        """Handle the data of `connected` or `subscribed`; return True if the state must be fetched anew."""
        if data["recovered"]:
            if offered is None or data["seq"] < offered:
                self.problems.append(f"{self.room}: recovered from {offered}, but stands at {data['seq']}")
            return False
        if (
            offered is not None
            and data["epoch"] == self.epoch
            and 0 <= data["seq"] - offered <= MAX_RECOVERED
        ):
            self.problems.append(f"{self.room}: {offered} was not recovered although at {data['seq']}")
        if self.seq is not None and data["seq"] < self.seq:
            self.problems.append(f"{self.room}: went back from {self.seq} to {data['seq']}")
        self.jumps += self.seq is not None
        self.epoch, self.seq, self.fetching = data["epoch"], data["seq"], True
        return True

    def replace(self, ids: set[str], seq: int | None = None) -> None:
        """Store the fetched state: it covers everything up to `seq` (by default the stream's position)."""
        self.state = ids
        if seq is not None:
            self.seq = max(seq, self.seq or 0)
        self.since, self.fetching = self.seq or 0, False


class Reader:
    """One device of a person: connects to any node, and follows the person's own room and one other room.

    `shows`: the event of the other room that announces a new row.
    """

    kind, shows = "post", "comment:created"

    def __init__(self, api: Api, person: Person, subject_id: str, rng: random.Random) -> None:
        self.api, self.person, self.rng = api, person, rng
        self.own = Stream(f"user:{person.id}")
        self.other = Stream(f"{self.kind}:{subject_id}")
        self.streams = {stream.room: stream for stream in (self.own, self.other)}
        self.subject_id = subject_id
        self.unread: int | None = None
        self.closes: Counter[str] = Counter()
        self.problems: list[str] = []
        self.frames = 0
        # Seconds until `connected`: since the connection began, and since the previous one ended.
        self.welcomes: list[float] = []
        self.absences: list[float] = []
        self._began = self._ended = 0.0
        self._offered: dict[str, int | None] = {}

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._serve()
            except BROKEN as error:
                self.closes[type(error).__name__] += 1
                if isinstance(error, aiohttp.WSServerHandshakeError) and error.status == 401:
                    await self.api.sign_in(self.person)
            await self.api.pause()

    async def read_some(self, stop: asyncio.Event) -> None:
        """Mark shown notifications as read now and then, until told to stop."""
        while not stop.is_set():
            created = [frame.id for frame in self.own.shown if frame.event == "notification:created"]
            headers = self.person.headers
            if created and self.rng.random() < 0.9:
                path = f"/api/v1/notifications/{self.rng.choice(created[-20:])}"
                await self.api.try_once("PATCH", path, headers=headers, json={"isRead": True})
            elif created:
                await self.api.try_once("POST", "/api/v1/notifications/read-all", headers=headers)
            await asyncio.sleep(self.rng.uniform(0.3, 1.2))

    async def fetch_other(self) -> set[str]:
        """Fetch the ids of all rows that the other room announces."""
        rows, _ = await self.api.fetch_all(f"/api/v1/comments/post/{self.subject_id}", self.person)
        return {row["id"] for row in rows}

    async def _serve(self) -> None:
        query: dict[str, str] = {}
        if self.rng.random() < FORGETFUL:
            for stream in self.streams.values():
                stream.epoch = None
        self._offered[self.own.room] = self.own.seq
        if self.own.epoch is not None and self.own.seq is not None:
            query = {"epoch": self.own.epoch, "seq": str(self.own.seq)}
        self._began = time.monotonic()
        async with asyncio.timeout(CONNECT_SECONDS):
            ws = await self.api.session.ws_connect(
                self.api.pick_address() + "/ws",
                protocols=("nexcorp.v1",),
                headers=self.person.headers,
                params=query,
            )
        try:
            async with ws:
                async for message in ws:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        await self._handle(ws, json.loads(message.data))
        finally:
            # If several connections fail in a row, the absence begins with the end of the first.
            self._ended = self._ended or time.monotonic()
        self._note_close(ws.close_code)

    def _note_close(self, code: int | None) -> None:
        self.closes[str(code)] += 1
        if code == RESYNC:
            for stream in self.streams.values():
                stream.epoch = None
        elif code == TOKEN_EXPIRED:
            self.person.token = ""
        elif code in BAD_BYTES or (code or 0) >= DO_NOT_RETURN:
            self.problems.append(f"closed with {code}")

    async def _handle(self, ws: aiohttp.ClientWebSocketResponse, frame: dict[str, Any]) -> None:
        event, data = frame["event"], frame["data"]
        if "seq" in frame:
            self.frames += 1
            self.streams[frame["room"]].take(frame)
        elif event == "connected":
            now = time.monotonic()
            self.welcomes.append(now - self._began)
            if self._ended:
                self.absences.append(now - self._ended)
                self._ended = 0.0
            if self.own.welcome(data, self._offer(self.own)):
                rows, first = await self.api.fetch_all("/api/v1/notifications", self.person)
                self.own.replace({row["id"] for row in rows}, first["seq"])
            wish: dict[str, Any] = {"room": self.other.room}
            self._offered[self.other.room] = self.other.seq
            if self.other.epoch is not None:
                wish |= {"epoch": self.other.epoch, "seq": self.other.seq}
            await ws.send_json({"event": "subscribe", "data": wish})
        elif event == "subscribed":
            if self.other.welcome(data, self._offer(self.other)):
                self.other.replace(await self.fetch_other())
        elif event == "unread-count":
            self.unread = data["count"]
        elif event == "error" and "closeCode" not in data:
            # The database was unavailable: subscribe again on a new socket.
            if data["code"] not in ("database_unavailable", "overloaded", "timeout"):
                self.problems.append(f"error {data}")
            await ws.close()

    def _offer(self, stream: Stream) -> int | None:
        """Return the number from which this reader asked to resume the room, or None if it did not ask."""
        return self._offered.get(stream.room) if stream.epoch is not None else None

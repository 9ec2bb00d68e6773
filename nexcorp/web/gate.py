"""The gate: limit the requests that are worked on at once, and hold or refuse the others.

A request that finds no place is held at its connection, read but not begun: it costs neither a task nor an
authentication. The oldest is let in first; if more are held than can be served IN_TIME, the newest, since the
oldest would all be served late. Requests held for FRESH_SECONDS come after all others, and after
HELD_SECONDS they are refused with a few bytes; clients that retry at once get no further ahead.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from aiohttp import web

from nexcorp.web.arriving import Arriving
from nexcorp.web.unread import Unread

# Places for each connection of the pool: while these requests wait for PostgreSQL, others are read and
# written.
PLACES_A_CONNECTION = 3
IN_TIME_SECONDS, FRESH_SECONDS, HELD_SECONDS = 0.25, 0.5, 1.0
# At most this many are refused in one turn; then the event loop goes on with the requests inside.
REFUSED_AT_ONCE = 25
UNLIMITED = 1_000_000


class Held(Protocol):
    """A connection whose request is held."""

    def go_on(self) -> None:
        """Begin the request: it has a place."""

    def refuse(self) -> None:
        """Refuse the request: it gets no place."""


class Place:
    """The place of one request, which the request can give up for a while."""

    __slots__ = ("_ended", "_gate", "_taken")

    def __init__(self, gate: Gate) -> None:
        self._gate, self._taken, self._ended = gate, True, False

    def leave(self) -> bool:
        """Give up the place until come_back(); return False if it was given up already."""
        taken, self._taken = self._taken, False
        if taken:
            self._gate.working -= 1
            self._gate.let_in()
        return taken

    def come_back(self) -> None:
        """Take a place again, even if that makes one too many."""
        if not self._ended:
            self._taken = True
            self._gate.working += 1

    def end(self) -> None:
        """Free the place for good: the request is answered."""
        self._ended = True
        self._gate.begun -= 1
        if not self.leave():
            self._gate.let_in()


def refuse_silently(message: Any) -> bytes:
    """Return an empty answer, for a process without a gate, which refuses nothing."""
    return b""


class Gate:
    """The places of one process: `most` in use at once, `most_begun` including requests that gave theirs up.

    `vital` are the paths of probes, which need no place; `refuse` makes the answer to a held message of
    aiohttp's parser.
    """

    def __init__(
        self,
        most: int,
        most_begun: int = UNLIMITED,
        vital: Iterable[str] = (),
        refuse: Callable[[Any], bytes] = refuse_silently,
    ) -> None:
        self.most, self.most_begun = most, most_begun
        self.vital, self.refuse = frozenset(vital), refuse
        self.working = self.begun = 0
        self.unread = Unread()
        # Requests whose body has not arrived must leave places to others.
        self.arriving = Arriving(max(1, most_begun // 2))
        # Connections with a place for a request that has not reached enter() yet.
        self._seated: set[Any] = set()
        # The held requests in the order of their arrival, with its loop.time().
        self._fresh: OrderedDict[Held, float] = OrderedDict()
        self._late: OrderedDict[Held, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        # How many were let in since a time, and the number in the IN_TIME_SECONDS before that.
        self._let_in, self._since, self._pace = 0, 0.0, 0

    def is_full(self) -> bool:
        """Return whether a new request must wait."""
        return self.working >= self.most or self.begun >= self.most_begun

    def sit(self, connection: Held) -> None:
        """Reserve a place for a connection's request until enter() or stand_up()."""
        if connection not in self._seated:
            self._seated.add(connection)
            self.working += 1
            self.begun += 1

    def hold(self, connection: Held) -> None:
        """Hold a request until go_on() or refuse() is called."""
        loop = asyncio.get_running_loop()
        self._fresh[connection] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(FRESH_SECONDS, self._look_after_late)

    def enter(self, connection: Any) -> Place | None:
        """Return the place of a request that begins, reserved or free; None if there is none."""
        if connection in self._seated:
            self._seated.discard(connection)
        elif self.is_full():
            return None
        else:
            self.working += 1
            self.begun += 1
        return Place(self)

    def forget(self, connection: Any) -> None:
        """Drop a connection that is gone."""
        self._fresh.pop(connection, None)
        self._late.pop(connection, None)
        self.stand_up(connection)

    def stand_up(self, connection: Any) -> None:
        """Free the place reserved for a connection."""
        if connection in self._seated:
            self._seated.discard(connection)
            self.working -= 1
            self.begun -= 1
            self.let_in()

    def let_in(self) -> None:
        """Give free places to held requests."""
        while (self._fresh or self._late) and not self.is_full():
            connection = self._take_next()
            self.sit(connection)
            connection.go_on()

    def _take_next(self) -> Held:
        self._let_in += 1
        passed = asyncio.get_running_loop().time() - self._since
        if passed > IN_TIME_SECONDS:
            self._pace = int(self._let_in * IN_TIME_SECONDS / passed)
            self._let_in, self._since = 0, self._since + passed
        queue = self._fresh or self._late
        newest = queue is self._late or len(queue) > self._pace
        return queue.popitem(last=newest)[0]

    def open(self) -> None:
        """Let in all requests, now and from now on: the process is about to stop."""
        self.most = self.most_begun = UNLIMITED
        self.let_in()

    def _look_after_late(self) -> None:
        """Move requests that are not fresh any more behind the others, and refuse those held for too long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._fresh and next(iter(self._fresh.values())) <= now - FRESH_SECONDS:
            connection, came = self._fresh.popitem(last=False)
            self._late[connection] = came
        for _ in range(REFUSED_AT_ONCE):
            if not self._late or next(iter(self._late.values())) > now - HELD_SECONDS:
                break
            self._late.popitem(last=False)[0].refuse()
        due = [next(iter(self._fresh.values())) + FRESH_SECONDS] if self._fresh else []
        if self._late:
            due.append(next(iter(self._late.values())) + HELD_SECONDS)
        self._timer = loop.call_at(max(min(due), now + 0.001), self._look_after_late) if due else None


GATE = web.AppKey("gate", Gate)

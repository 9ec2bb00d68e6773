"""The gate: how many requests are worked on at once, and what becomes of those that come beyond that.

A request that finds no place is held at its connection, read but not begun: it costs neither a task nor a
look at its token. The oldest goes first; where more are held than can be served in half of HELD_SECONDS the
newest does, for the oldest would all be served too late. What was held for HELD_SECONDS is refused with a few
bytes; clients that ask again at once come no faster than that.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from aiohttp import web

from nexcorp.web.arriving import Arriving
from nexcorp.web.unread import Unread

# For each connection that the pool may have: while these wait for PostgreSQL, others are read and written.
PLACES_A_CONNECTION = 3
HELD_SECONDS = 0.6
# So many are refused in one go; then those who have a place get their turn.
REFUSED_AT_ONCE = 25
UNLIMITED = 1_000_000


class Held(Protocol):
    """A connection whose request is held."""

    def go_on(self) -> None:
        """The request has a place: begin."""

    def refuse(self) -> None:
        """The request gets no place: answer."""


class Place:
    """The place of one request, which it can leave for a while."""

    __slots__ = ("_ended", "_gate", "_taken")

    def __init__(self, gate: Gate) -> None:
        self._gate, self._taken, self._ended = gate, True, False

    def leave(self) -> bool:
        """Let others have it until come_back(); False where that was done already."""
        taken, self._taken = self._taken, False
        if taken:
            self._gate.working -= 1
            self._gate.let_in()
        return taken

    def come_back(self) -> None:
        """Go on, even if that makes one too many."""
        if not self._ended:
            self._taken = True
            self._gate.working += 1

    def end(self) -> None:
        """The request is answered."""
        self._ended = True
        self._gate.begun -= 1
        if not self.leave():
            self._gate.let_in()


def refuse_silently(message: Any) -> bytes:
    """For a process without a gate, which refuses nothing."""
    return b""


class Gate:
    """The places of one process, `most` at once, and `most_begun` with those that stepped aside.

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
        # What does not come must leave places to what has.
        self.arriving = Arriving(max(1, most_begun // 2))
        # Connections with a place for a request that has not got as far as enter().
        self._seated: set[Any] = set()
        # In the order in which they came, and until when they are held, of loop.time().
        self._held: OrderedDict[Held, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        # How many were let in since a time, and before that in half of HELD_SECONDS.
        self._let_in, self._since, self._pace = 0, 0.0, 0

    def is_full(self) -> bool:
        """Whether a request that comes now must wait."""
        return self.working >= self.most or self.begun >= self.most_begun

    def sit(self, connection: Held) -> None:
        """Keep a place for the request of a connection until enter() or stand_up()."""
        if connection not in self._seated:
            self._seated.add(connection)
            self.working += 1
            self.begun += 1

    def hold(self, connection: Held) -> None:
        """Keep a request until go_on() or refuse() is called."""
        loop = asyncio.get_running_loop()
        self._held[connection] = loop.time() + HELD_SECONDS
        if self._timer is None:
            self._timer = loop.call_later(HELD_SECONDS, self._refuse_late)

    def enter(self, connection: Any) -> Place | None:
        """The place of a request that begins, kept for it or free; None where there is no place for it."""
        if connection in self._seated:
            self._seated.discard(connection)
        elif self.is_full():
            return None
        else:
            self.working += 1
            self.begun += 1
        return Place(self)

    def forget(self, connection: Any) -> None:
        """The connection is gone."""
        self._held.pop(connection, None)
        self.stand_up(connection)

    def stand_up(self, connection: Any) -> None:
        """The request for which a place is kept does without."""
        if connection in self._seated:
            self._seated.discard(connection)
            self.working -= 1
            self.begun -= 1
            self.let_in()

    def let_in(self) -> None:
        """Places may be free: requests that are held get them."""
        while self._held and not self.is_full():
            connection = self._choose()
            del self._held[connection]
            self.sit(connection)
            connection.go_on()

    def _choose(self) -> Held:
        """The oldest while all can be served in time, else the newest."""
        self._let_in += 1
        passed = asyncio.get_running_loop().time() - self._since
        if passed > HELD_SECONDS / 2:
            self._pace = int(self._let_in * HELD_SECONDS / 2 / passed)
            self._let_in, self._since = 0, self._since + passed
        held = self._held if len(self._held) <= self._pace else reversed(self._held)
        return next(iter(held))

    def open(self) -> None:
        """Let in all requests, now and from now on: the process is about to stop."""
        self.most = self.most_begun = UNLIMITED
        self.let_in()

    def _refuse_late(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer, now = None, loop.time()
        late: list[Held] = []
        for connection, until in self._held.items():
            if until > now or len(late) == REFUSED_AT_ONCE:
                break
            late.append(connection)
        for connection in late:
            del self._held[connection]
            connection.refuse()
        for until in self._held.values():
            self._timer = loop.call_at(max(until, now + 0.001), self._refuse_late)
            break


GATE = web.AppKey("gate", Gate)

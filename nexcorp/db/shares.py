"""Limit the share of the pool that one account, or all heavy requests together, can take."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from nexcorp.context import RequestContext, aside
from nexcorp.errors import Overloaded, TooManyRequests

# Shares of the pool's maximum size: for one account, and for all heavy requests together.
OF_ACCOUNT, OF_HEAVY = 0.5, 0.5
# How long to wait for a share: long enough for an account's parallel requests; only briefly in a flood,
# because each waiting request holds a place at the gate.
FEW_SECONDS, MANY_SECONDS = 2.0, 0.25
FEW = 2
HEAVY_SECONDS = 0.5
HEAVY = "heavy"


class Line:
    """One share: how many connections it has taken, and the requests that wait for the next."""

    __slots__ = ("taken", "waiting")

    def __init__(self) -> None:
        self.taken = 0
        self.waiting: dict[asyncio.Future[None], None] = {}


class Shares:
    """The shares of one pool of `most` connections."""

    def __init__(self, most: int) -> None:
        self.of_account = max(2, int(most * OF_ACCOUNT))
        self.of_heavy = max(2, int(most * OF_HEAVY))
        self._lines: dict[Hashable, Line] = {}

    async def take(self, context: RequestContext) -> tuple[Hashable, ...]:
        """Take a connection from each share that the request counts for; return them for give_back().

        Raises TooManyRequests if the account's share, and Overloaded if that of heavy requests, stays used
        up.
        """
        account = context.user_id
        if context.heavy:
            return await self._take_heavy(account)
        if account is None:
            return ()
        if not self._take(account, self.of_account):
            await self._wait_for_own(account, self.of_account)
        return (account,)

    async def _take_heavy(self, account: Hashable | None) -> tuple[Hashable, ...]:
        """Take as take() does, and from the share of heavy requests: at most half of it for one account."""
        own = account, HEAVY
        taken: tuple[Hashable, ...] = ()
        try:
            # A heavy request may wait for long, and must not hold a place at the gate meanwhile.
            if account is not None:
                if not self._take(own, self.of_heavy // 2):
                    with aside():
                        await self._wait_for_own(own, self.of_heavy // 2)
                taken = (own,)
                if not self._take(account, self.of_account):
                    with aside():
                        await self._wait_for_own(account, self.of_account)
                taken = own, account
            if not self._take(HEAVY, self.of_heavy):
                with aside():
                    await self._wait(HEAVY, HEAVY_SECONDS, Overloaded())
        except BaseException:
            self.give_back(taken)
            raise
        return (*taken, HEAVY)

    async def _wait_for_own(self, who: Hashable, most: int) -> None:
        few = len(self._lines[who].waiting) < FEW * most
        await self._wait(who, FEW_SECONDS if few else MANY_SECONDS, TooManyRequests(retry_after=1))

    def _take(self, who: Hashable, most: int) -> bool:
        line = self._lines.get(who)
        if line is None:
            line = self._lines[who] = Line()
        if line.taken >= most:
            return False
        line.taken += 1
        return True

    async def _wait(self, who: Hashable, seconds: float, error: Exception) -> None:
        line, place = self._lines[who], asyncio.get_running_loop().create_future()
        line.waiting[place] = None
        try:
            async with asyncio.timeout(seconds):
                await place
        except BaseException as reason:
            if place.done() and not place.cancelled():
                self.give_back((who,))
            if isinstance(reason, TimeoutError):
                raise error from None
            raise
        finally:
            del line.waiting[place]

    def give_back(self, taken: tuple[Hashable, ...]) -> None:
        """Give back the result of take(), to the request that has waited longest."""
        for who in taken:
            line = self._lines[who]
            place = next((one for one in line.waiting if not one.done()), None)
            if place is not None:
                place.set_result(None)
                continue
            line.taken -= 1
            if not line.taken:
                del self._lines[who]

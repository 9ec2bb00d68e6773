"""Shares of the pool: no account, and no slow kind of work, takes all its connections from the others."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from nexcorp.context import RequestContext, aside
from nexcorp.errors import Overloaded, TooManyRequests

# Of the pool's most connections: one account's, and that of all heavy requests together.
OF_ACCOUNT, OF_HEAVY = 0.5, 0.5
# How long one waits: what an account sends in parallel, long enough; a flood of it, briefly, because each of
# those has a place at the gate.
FEW_SECONDS, MANY_SECONDS = 2.0, 0.25
FEW = 2
HEAVY_SECONDS = 0.5
HEAVY = "heavy"


class Line:
    """One share: how many connections are taken of it, and those who wait for the next."""

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
        """Take what the next connection of a request is counted for; give it back afterwards.

        Raises TooManyRequests where the account has all of its share for too long, and Overloaded where heavy
        requests have all of theirs.
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
        """As take(), and of the share of heavy requests, of which one account has no more than half."""
        own = account, HEAVY
        taken: tuple[Hashable, ...] = ()
        try:
            # What is slow for long must not keep places at the gate.
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
        """Give back what take() returned; whoever waits longest for it gets it."""
        for who in taken:
            line = self._lines[who]
            place = next((one for one in line.waiting if not one.done()), None)
            if place is not None:
                place.set_result(None)
                continue
            line.taken -= 1
            if not line.taken:
                del self._lines[who]

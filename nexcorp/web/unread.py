"""Large answers that clients do not read: how many bytes of them wait, and for how long.

An answer stays in memory until its client has taken it, and one that reads nothing would leave it there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

# What is smaller mostly fits into the buffers of the system.
LARGE_BYTES = 64 * 1024
# Of one account, or of one address that is not signed in.
MOST_BYTES = 32 * 1024 * 1024
# A client that is behind must take so much.
PACE_SECONDS = 10.0
MIN_BYTES_A_SECOND = 8 * 1024

OWNER: web.RequestKey[Any] = web.RequestKey("owner", object)


def size_of(response: web.StreamResponse) -> int:
    """The bytes of an answer that is in memory."""
    body = getattr(response, "_body", None)
    return len(body) if isinstance(body, bytes) else 0


class Unread:
    """The large answers of one process that are on their way, by their owner."""

    def __init__(self) -> None:
        self._bytes: Counter[Hashable] = Counter()

    def has_room(self, owner: Hashable, size: int) -> bool:
        """Whether another answer of this size may be sent; a first one always may."""
        waiting = self._bytes.get(owner, 0)
        return not waiting or waiting + size <= MOST_BYTES

    @contextmanager
    def hold(self, owner: Hashable, size: int) -> Iterator[None]:
        """Count so many bytes within the block."""
        self._bytes[owner] += size
        try:
            yield
        finally:
            self._bytes[owner] -= size
            if not self._bytes[owner]:
                del self._bytes[owner]

    async def send(self, sending: Awaitable[Any], transport: Any, owner: Hashable, size: int) -> Any:
        """Await the sending of an answer; the connection is cut where the client takes too little of it."""
        pacing = asyncio.create_task(keep_pace(transport))
        try:
            with self.hold(owner, size):
                return await sending
        finally:
            pacing.cancel()


async def keep_pace(transport: Any) -> None:
    """Cut a connection once less than MIN_BYTES_A_SECOND of what waits in it has gone."""
    await asyncio.sleep(PACE_SECONDS)
    left: int = transport.get_write_buffer_size()
    while not transport.is_closing():
        await asyncio.sleep(PACE_SECONDS)
        before, left = left, transport.get_write_buffer_size()
        if before - left < PACE_SECONDS * MIN_BYTES_A_SECOND:
            transport.abort()

"""Large answers that clients do not read: limits on how many bytes wait, and for how long.

An answer stays in memory until its client has taken it: a client that reads nothing would keep it there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

# Smaller answers mostly fit into the buffers of the system.
LARGE_BYTES = 64 * 1024
# For one account, or one address that is not signed in.
MOST_BYTES = 32 * 1024 * 1024
# Once a client lags behind, it must take MIN_BYTES_A_SECOND.
PACE_SECONDS = 10.0
MIN_BYTES_A_SECOND = 8 * 1024

OWNER: web.RequestKey[Any] = web.RequestKey("owner", object)


def size_of(response: web.StreamResponse) -> int:
    """Return the size in bytes of an answer that is in memory, else 0."""
    body = getattr(response, "_body", None)
    return len(body) if isinstance(body, bytes) else 0


class Unread:
    """The large answers of one process that are being sent, by owner."""

    def __init__(self) -> None:
        self._bytes: Counter[Hashable] = Counter()

    def has_room(self, owner: Hashable, size: int) -> bool:
        """Return whether another answer of this size may be sent; the first one always may."""
        waiting = self._bytes.get(owner, 0)
        return not waiting or waiting + size <= MOST_BYTES

    @contextmanager
    def hold(self, owner: Hashable, size: int) -> Iterator[None]:
        """Count `size` bytes within the block."""
        self._bytes[owner] += size
        try:
            yield
        finally:
            self._bytes[owner] -= size
            if not self._bytes[owner]:
                del self._bytes[owner]

    async def send(self, sending: Awaitable[Any], transport: Any, owner: Hashable, size: int) -> Any:
        """Await the sending of an answer; cut the connection if the client takes too little of it."""
        pacing = asyncio.create_task(keep_pace(transport))
        try:
            with self.hold(owner, size):
                return await sending
        finally:
            pacing.cancel()


async def keep_pace(transport: Any) -> None:
    """Cut a connection once less than MIN_BYTES_A_SECOND of its write buffer has drained."""
    await asyncio.sleep(PACE_SECONDS)
    left: int = transport.get_write_buffer_size()
    while not transport.is_closing():
        await asyncio.sleep(PACE_SECONDS)
        before, left = left, transport.get_write_buffer_size()
        if before - left < PACE_SECONDS * MIN_BYTES_A_SECOND:
            transport.abort()

"""Answers that are made part by part while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

from nexcorp.errors import TooManyRequests
from nexcorp.security.app_keys import CALLER, CONTEXT
from nexcorp.security.limits import network_of
from nexcorp.web.gate import GATE

# How long a client may take for a part.
PART_SECONDS = 60.0
# Of a part that is on its way.
HELD_BYTES = 512 * 1024


def owner_of(request: web.Request) -> Any:
    """Whom an answer counts for: the account, or the network of whoever is not signed in."""
    who = request.get(CALLER)
    return who.id if who is not None else network_of(request[CONTEXT].ip or "")


class StreamedResponse(web.StreamResponse):
    """A file, of which each part is read when the one before has been sent. It breaks off where it cannot go
    on. Raises TooManyRequests where the caller does not read others."""

    def __init__(
        self,
        request: web.Request,
        parts: AsyncIterator[bytes],
        headers: Mapping[str, str],
        status: int = 200,
    ) -> None:
        super().__init__(status=status, headers=headers)
        self._parts, self._owner = parts, owner_of(request)
        if not request.app[GATE].unread.has_room(self._owner, HELD_BYTES):
            raise TooManyRequests(retry_after=1)

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send headers and file."""
        writer = await super().prepare(request)
        if request.method == "GET" and isinstance(request, web.Request):
            try:
                with request.app[GATE].unread.hold(self._owner, HELD_BYTES):
                    async for part in self._parts:
                        async with asyncio.timeout(PART_SECONDS):
                            await self.write(part)
            except Exception:
                # The client sees that it is not whole.
                if request.transport is not None:
                    request.transport.abort()
        return writer

"""Answers that are expensive and public: computed at most once a second, for all requests together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from aiohttp import web

SHARED_SECONDS = 1.0

Answer = TypeVar("Answer")


class Shared(Generic[Answer]):
    """One shared answer. A request that comes while it is computed waits for the result."""

    def __init__(self, compute: Callable[[web.Request], Awaitable[Answer]]) -> None:
        self.compute = compute
        self._lock = asyncio.Lock()
        self._until = 0.0
        self._answer: Answer | None = None

    async def get(self, request: web.Request) -> Answer:
        """Return the answer, at most SHARED_SECONDS old; raise the errors of computing it."""
        async with self._lock:
            if self._answer is None or time.monotonic() >= self._until:
                self._answer = await self.compute(request)
                self._until = time.monotonic() + SHARED_SECONDS
            return self._answer


READINESS: web.AppKey[Shared[dict[str, Any]]] = web.AppKey("readiness", Shared)
METRICS: web.AppKey[Shared[bytes]] = web.AppKey("metrics", Shared)

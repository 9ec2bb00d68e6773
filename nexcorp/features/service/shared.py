"""Answers that cost something and that anybody may ask for: computed once a second, for all who ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from aiohttp import web

SHARED_SECONDS = 1.0

Answer = TypeVar("Answer")


class Shared(Generic[Answer]):
    """One answer. Whoever asks while it is computed waits for that one."""

    def __init__(self, compute: Callable[[web.Request], Awaitable[Answer]]) -> None:
        self.compute = compute
        self._lock = asyncio.Lock()
        self._until = 0.0
        self._answer: Answer | None = None

    async def get(self, request: web.Request) -> Answer:
        """The answer, SHARED_SECONDS old at most; raises what computing it raises."""
        async with self._lock:
            if self._answer is None or time.monotonic() >= self._until:
                self._answer = await self.compute(request)
                self._until = time.monotonic() + SHARED_SECONDS
            return self._answer


READINESS: web.AppKey[Shared[dict[str, Any]]] = web.AppKey("readiness", Shared)
METRICS: web.AppKey[Shared[bytes]] = web.AppKey("metrics", Shared)

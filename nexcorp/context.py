"""Who and what the current request is about, for the layers below the web that record it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class Place(Protocol):
    """A place at the gate (nexcorp.web.gate)."""

    def leave(self) -> bool: ...
    def come_back(self) -> None: ...


HEAVY_SECONDS = 2.0


@dataclass(slots=True)
class RequestContext:
    """What an event's metadata says of where it came from."""

    request_id: str
    ip: str | None = None
    user_agent: str | None = None
    user_id: UUID | None = None
    session_id: UUID | None = None
    # How the request uses the database; see nexcorp.web.routing.Route.
    heavy: bool = False
    statement_seconds: float | None = None
    place: Place | None = None

    def statement_limit(self) -> float | None:
        """How many seconds a statement may take, None where the pool decides."""
        return HEAVY_SECONDS if self.heavy else self.statement_seconds


current: ContextVar[RequestContext | None] = ContextVar("nexcorp_request", default=None)
# Where a request has a span, what names it to those that follow (W3C, `traceparent`); else always None.
traceparent: ContextVar[str | None] = ContextVar("nexcorp_traceparent", default=None)


def apart() -> Context:
    """The context for a task whose outcome several requests share: it counts for none of them."""
    context = copy_context()
    context.run(current.set, None)
    return context


@contextmanager
def aside() -> Iterator[None]:
    """Let others work while the block waits: for its client, a thread, its turn, or another service."""
    context = current.get()
    place = context.place if context is not None else None
    if place is None or not place.leave():
        yield
        return
    try:
        yield
    finally:
        place.come_back()

"""The current request's context, for the layers below the web: audit metadata, time limits, its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class Place(Protocol):
    """A place at the gate (nexcorp.web.gate): a request holds one while it works."""

    def leave(self) -> bool: ...
    def come_back(self) -> None: ...


HEAVY_SECONDS = 2.0


@dataclass(slots=True)
class RequestContext:
    """The request as events record it in their metadata, and how it uses the database."""

    request_id: str
    ip: str | None = None
    user_agent: str | None = None
    user_id: UUID | None = None
    session_id: UUID | None = None
    # How the request uses the database; see nexcorp.web.routing.Route.
    heavy: bool = False
    statement_seconds: float | None = None
    place: Place | None = None
    # Whether one of its transactions has committed, or may have.
    committed: bool = False

    def statement_limit(self) -> float | None:
        """Return how many seconds a statement may take, or None for the pool's own limit."""
        return HEAVY_SECONDS if self.heavy else self.statement_seconds


current: ContextVar[RequestContext | None] = ContextVar("nexcorp_request", default=None)
# The `traceparent` (W3C) of the current request's span; None if it has no recorded span.
traceparent: ContextVar[str | None] = ContextVar("nexcorp_traceparent", default=None)


def apart() -> Context:
    """Return a context for a task that several requests share: it has no current request."""
    context = copy_context()
    context.run(current.set, None)
    return context


@contextmanager
def aside() -> Iterator[None]:
    """Give up the request's place at the gate while the block waits for the client, a thread or a service."""
    context = current.get()
    place = context.place if context is not None else None
    if place is None or not place.leave():
        yield
        return
    try:
        yield
    finally:
        place.come_back()

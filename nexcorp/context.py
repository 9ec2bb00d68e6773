"""Who and what the current request is about, for the layers below the web that record it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class RequestContext:
    """What an event's metadata says of where it came from."""

    request_id: str
    ip: str | None = None
    user_agent: str | None = None
    user_id: UUID | None = None
    session_id: UUID | None = None


current: ContextVar[RequestContext | None] = ContextVar("nexcorp_request", default=None)

"""What an event is, and what can follow from it: notifications and frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

EXCERPT_CHARS = 140


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was recorded."""

    id: UUID
    type: str
    actor_id: UUID | None
    entity_type: str
    entity_id: UUID
    payload: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Audience:
    """Receivers too many to be named in the event.

    `kind` is everyone, followers (`id`: of whom) or concerned (`id`: by which project).
    """

    kind: str
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What one kind of receiver is told. `{actor}` in the title becomes the actor's name."""

    type: str
    title: str
    receivers: Callable[[Event], Iterable[str | UUID | None] | Audience]
    message: Callable[[Event], str] = lambda event: ""
    # The receiver has at most one notification with this key; None: one for every event.
    once_key: Callable[[Event], str | None] = lambda event: None
    # People are not told what they did themselves, unless they should know in case it was not them.
    tells_actor: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What one room sees."""

    room: str
    event: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """What follows from one type of event. A receiver gets the first notice that names them."""

    notices: tuple[Notice, ...] = ()
    frames: Callable[[Event], list[Frame]] = field(default=lambda event: [])
    # Its frames show something anew: earlier ones of the same room may not keep the text it had before.
    replaces: bool = False
    # (room, id) of what no earlier frame of the room may show any longer.
    forgets: Callable[[Event], list[tuple[str, str]]] = field(default=lambda event: [])


def excerpt(text: str) -> str:
    """The beginning of a text, for a notification's message."""
    return text if len(text) <= EXCERPT_CHARS else text[: EXCERPT_CHARS - 1] + "…"


SILENT = Entry()

"""Events, and their consequences: who is notified, and which rooms get a frame.

Events, frames and notifications hold references: ids, states, numbers, dates and names of fields. Text that a
person wrote is rendered from the current row whenever it is shown (see kinds.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

Entity = tuple[str, UUID]
Statement = Callable[..., Awaitable[list[Any]]]


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded event."""

    id: UUID
    type: str
    actor_id: UUID | None
    entity_type: str
    entity_id: UUID
    payload: dict[str, Any]
    created_at: datetime

    @property
    def entity(self) -> Entity:
        """The entity that the event is about."""
        return self.entity_type, self.entity_id

    @property
    def project_id(self) -> UUID | None:
        """The project in whose activity the event is shown, as in emit() in sql/schema/events.sql."""
        return self.entity_id if self.entity_type == "project" else self.get_id("projectId")

    def get_id(self, name: str) -> UUID | None:
        """Return an id of the payload; None if it is null or absent."""
        value = self.payload.get(name)
        return UUID(value) if value else None

    def get_ids(self, name: str) -> list[UUID]:
        """Return a list of ids of the payload; empty if it is absent."""
        return [UUID(value) for value in self.payload.get(name) or ()]


class Audience:
    """Receivers too many to be named in an event: `list_part` reads them in parts, in the order of their ids.

    It is a statement of sql/ that takes `after`, `most` and `arguments`, and returns rows of `receiver_id`.
    """

    def __init__(self, list_part: Statement, **arguments: Any) -> None:
        self.list_part, self.arguments = list_part, arguments

    async def read(self, conn: Any, after: UUID, most: int) -> list[UUID]:
        """Return up to `most` receivers behind `after`."""
        rows = await self.list_part(conn, after=after, most=most, **self.arguments)
        return [row["receiver_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Notice:
    """The notification for one kind of receiver.

    `title` and `message` are sentences: `{actor}` becomes the actor's name, `{excerpt}` the title of the
    entity or else its beginning, `{beginning}` the beginning of its text, any other word in braces a member
    of `params`. `several` is the title of a group of which the notification is the newest, where `{actor}` is
    several people ("Ada and 5 others"); empty: as `title`. `variant` tells several sentences of a type apart
    and is kept for ever. `entity`: the entity that the notification leads to, by default the event's.
    """

    type: str
    title: str
    receivers: Callable[[Event], Iterable[UUID | None] | Audience]
    message: str = "{excerpt}"
    variant: str = ""
    several: str = ""
    entity: Callable[[Event], Entity | None] = lambda event: event.entity
    # Members of the payload that the sentences need: states, numbers, dates or names of fields.
    params: tuple[str, ...] = ()
    # A receiver gets at most one notification with this key; None: one for every event.
    once_key: Callable[[Event], str | None] = lambda event: None
    # Why these receivers are chosen, for the trace: mentioned, author, assignee, watcher, everyone ...
    why: str = "author"
    # Notifications of a groupable type are shown as one if this is equal; None: if their `entity` is.
    group: Callable[[Event], Entity | None] | None = None
    # Actors are not notified of their own actions, unless they should learn of them in case of abuse.
    tells_actor: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame for one room: `data`, and the `members` of an entity as they are when the frame is shown.

    `members` None: all members that the entity's kind shows; (): `data` alone.
    """

    room: str
    event: str
    entity: Entity
    data: dict[str, Any] = field(default_factory=dict)
    members: tuple[str, ...] | None = None


def no_frames(event: Event) -> Sequence[Frame]:
    """Return no frames: for events that no room sees."""
    return ()


@dataclass(frozen=True, slots=True)
class EventType:
    """The consequences of one type of event. A receiver gets the first notice that names them.

    `public`: webhooks may send it; events that tell who signed in where are not public. `notices_after`:
    rooms get its frames at once; its receivers are chosen and notified this many seconds later.
    """

    notices: tuple[Notice, ...] = ()
    frames: Callable[[Event], Sequence[Frame]] = no_frames
    public: bool = False
    notices_after: float | None = None


SILENT = EventType()
FOLDED = "folded"


def folded(type: str, title: str) -> EventType:
    """Return the event `<type>.folded`, for notifications that one person causes too often to send each.

    If a feature declares it, the type is folded (workers/folding.py). `title` may use `{times}`.
    """

    def lead_to(event: Event) -> Entity | None:
        entity_id = event.get_id("entityId")
        return (event.payload["entityType"], entity_id) if entity_id is not None else None

    notice = Notice(
        type,
        title,
        variant=FOLDED,
        receivers=lambda event: [event.get_id("receiverId")],
        entity=lead_to,
        params=("times",),
    )
    return EventType((notice,))


@dataclass(frozen=True, slots=True)
class NoticeType:
    """One type of notification: its channels by default, and whether preferences and mutes apply."""

    name: str
    critical: bool = False
    in_app: bool = True
    email: str = "offline"
    push: bool = True
    groupable: bool = False

"""The results of a batch of outbox rows, collected before they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from nexcorp.delivery.events import Entity, Event, Frame, Notice


@dataclass(slots=True)
class Told:
    """A notice of one event for one receiver. The fields from `held`, the reason to hold it back, are set
    later. `email_due_at`, `push_due_at` None: not on that channel; `_wait`: why it waits."""

    event: Event
    notice: Notice
    receiver: UUID
    held: str | None = None
    plan: dict[str, Any] | None = None
    email_due_at: datetime | None = None
    email_wait: str | None = None
    push_due_at: datetime | None = None
    push_wait: str | None = None
    group_id: UUID | None = None
    once_key: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.once_key = self.notice.once_key(self.event)

    @property
    def entity(self) -> Entity | tuple[None, None]:
        """The entity that the notification leads to, or (None, None)."""
        return self.notice.entity(self.event) or (None, None)

    @property
    def params(self) -> dict[str, Any]:
        """The values of the event for the notice's sentences."""
        return {name: self.event.payload.get(name) for name in self.notice.params}

    @property
    def group_key(self) -> str:
        """The key of the group that the notification is shown in."""
        kind, entity_id = (self.notice.group or self.notice.entity)(self.event) or (None, None)
        return f"{self.notice.type}:{kind}:{entity_id}"


@dataclass(slots=True)
class Batch:
    """`done`: (lane, id) of the finished rows; `told`: notices, unique by event and receiver, and by receiver
    and once_key; `frames`: (event id, frame); `events`: events that are delivered for the first time, not for
    a later part."""

    done: list[tuple[int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    frames: list[tuple[UUID, Frame]] = field(default_factory=list)

    def columns(self) -> dict[str, list[Any]]:
        """Return the arguments of `sql.telling.deliver`."""
        told = self.told
        entities = [one.entity for one in told]
        return {
            "event_ids": [one.event.id for one in told],
            "receiver_ids": [one.receiver for one in told],
            "actor_ids": [one.event.actor_id for one in told],
            "types": [one.notice.type for one in told],
            "variants": [one.notice.variant for one in told],
            "entity_types": [kind for kind, _ in entities],
            "entity_ids": [entity_id for _, entity_id in entities],
            "params": [one.params for one in told],
            "once_keys": [one.once_key for one in told],
            "created_ats": [one.event.created_at for one in told],
            "whys": [one.notice.why for one in told],
            "plans": [one.plan for one in told],
            "group_ids": [one.group_id for one in told],
            "rooms": [frame.room for _, frame in self.frames],
            "frame_event_ids": [event_id for event_id, _ in self.frames],
            "frame_events": [frame.event for _, frame in self.frames],
            "frame_entity_types": [frame.entity[0] for _, frame in self.frames],
            "frame_entity_ids": [frame.entity[1] for _, frame in self.frames],
            "datas": [frame.data for _, frame in self.frames],
            # PostgreSQL arrays must be rectangular; string_to_array() turns '' into {}.
            "members": [
                None if frame.members is None else ",".join(frame.members) for _, frame in self.frames
            ],
        }

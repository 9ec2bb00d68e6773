"""What a batch of outbox rows comes to, collected before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from nexcorp.delivery.events import Entity, Event, Frame, Notice


@dataclass(slots=True)
class Told:
    """One event, told to one receiver by one notice; from `held`, the reason not to tell it, on once it is
    decided. `email_due_at`, `push_due_at` None: that channel is left out; `_wait`: what it waits for."""

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
        """What it leads to."""
        return self.notice.entity(self.event) or (None, None)

    @property
    def params(self) -> dict[str, Any]:
        """What its sentences need of the event."""
        return {name: self.event.payload.get(name) for name in self.notice.params}

    @property
    def group_key(self) -> str:
        """What it has in common with those that it is shown as one with."""
        kind, entity_id = (self.notice.group or self.notice.entity)(self.event) or (None, None)
        return f"{self.notice.type}:{kind}:{entity_id}"


@dataclass(slots=True)
class Batch:
    """`done`: (lane, id) of the rows; `told`: once for each event and receiver, and for each receiver and
    once_key; `frames`: (event id, frame); `events`: those that are delivered for the first time, not a later
    part."""

    done: list[tuple[int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    frames: list[tuple[UUID, Frame]] = field(default_factory=list)

    def columns(self) -> dict[str, list[Any]]:
        """The arguments of `sql.telling.deliver`."""
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
            # Arrays of different lengths are no array to PostgreSQL; string_to_array() makes {} of ''.
            "members": [
                None if frame.members is None else ",".join(frame.members) for _, frame in self.frames
            ],
        }

"""What a batch of outbox rows comes to, collected before it is written in one statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from nexcorp.delivery.events import Event, Frame, Notice


@dataclass(slots=True)
class Batch:
    """`done`: (lane, id) of the rows; `told`: (event, notice, receiver), once for each event and receiver;
    `frames`: (event id, frame); `events`: those that are delivered for the first time, not a later part."""

    done: list[tuple[int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    told: list[tuple[Event, Notice, UUID]] = field(default_factory=list)
    frames: list[tuple[UUID, Frame]] = field(default_factory=list)

    def columns(self) -> dict[str, list[Any]]:
        """The arguments of `sql.notifications.deliver`."""
        entities = [notice.entity(event) or (None, None) for event, notice, _ in self.told]
        return {
            "event_ids": [event.id for event, _, _ in self.told],
            "receiver_ids": [receiver for _, _, receiver in self.told],
            "actor_ids": [event.actor_id for event, _, _ in self.told],
            "types": [notice.type for _, notice, _ in self.told],
            "variants": [notice.variant for _, notice, _ in self.told],
            "entity_types": [kind for kind, _ in entities],
            "entity_ids": [entity_id for _, entity_id in entities],
            "params": [
                {name: event.payload.get(name) for name in notice.params} for event, notice, _ in self.told
            ],
            "once_keys": [notice.once_key(event) for event, notice, _ in self.told],
            "created_ats": [event.created_at for event, _, _ in self.told],
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

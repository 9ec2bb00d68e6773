"""The last span of a trace: a frame written to the sockets of one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexcorp.realtime.hub import Hub
from nexcorp.realtime.protocol import RoomMessage

if TYPE_CHECKING:
    from nexcorp.tracing import Attributes, Tracer


def trace_hub(hub: Hub, tracer: Tracer) -> None:
    """Have a hub write a span for each pushed frame that has a trace; call it once, before the hub is used.

    Frames read from PostgreSQL, because their push was lost, have no span.
    """
    receive = hub.receive

    def receive_traced(message: RoomMessage) -> None:
        room = hub.rooms.get(message.room)
        if not message.traces or room is None:
            receive(message)
            return
        about: Attributes = {
            "nexcorp.room": message.room.partition(":")[0],
            "nexcorp.sockets": len(room.members),
        }
        with tracer.follow("write", message.traces, lambda seq: about):
            receive(message)

    hub.receive = receive_traced  # type: ignore[method-assign]

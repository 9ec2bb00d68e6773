"""Spans of delivery, below the request that caused an event, by its `traceparent`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nexcorp.realtime.protocol import RoomMessage

if TYPE_CHECKING:
    from nexcorp.tracing import Tracer

NO_TRACES: Mapping[UUID, str] = MappingProxyType({})
UNTRACED: AbstractContextManager[Mapping[UUID, str]] = nullcontext(NO_TRACES)
# If more rooms than this see an event, the rest is not traced to its sockets.
MOST_FRAMES = 10


def follow_rows(tracer: Tracer | None, rows: Sequence[Any]) -> AbstractContextManager[Mapping[UUID, str]]:
    """Open the spans of delivering outbox rows; yields their contexts by event id."""
    if tracer is None:
        return UNTRACED
    by_id = {row["id"]: row for row in rows if row["traceparent"] is not None}
    if not by_id:
        return UNTRACED
    return tracer.follow(
        "deliver",
        {event_id: row["traceparent"] for event_id, row in by_id.items()},
        lambda event_id: {
            "nexcorp.event": by_id[event_id]["type"],
            "nexcorp.event_id": str(event_id),
            "nexcorp.lane": by_id[event_id]["lane"],
            "nexcorp.batch": len(rows),
        },
    )


def follow_frames(
    tracer: Tracer | None, frames: Sequence[Any], traces: Mapping[UUID, str]
) -> AbstractContextManager[Mapping[UUID, str]]:
    """Open the spans of pushing frames; yields their contexts by event id."""
    if tracer is None or not traces:
        return UNTRACED
    counts = Counter(row["event_id"] for row in frames)
    return tracer.follow(
        "push",
        {event_id: parent for event_id, parent in traces.items() if event_id in counts},
        lambda event_id: {"nexcorp.frames": counts[event_id]},
    )


def add_traces(
    messages: Mapping[str, RoomMessage], frames: Sequence[Any], traces: Mapping[UUID, str]
) -> None:
    """Add their trace to the first MOST_FRAMES frames of each event."""
    left = dict.fromkeys(traces, MOST_FRAMES)
    for row in frames:
        event_id, message = row["event_id"], messages[row["room"]]
        if left.get(event_id):
            left[event_id] -= 1
            message.traces = {**(message.traces or {}), row["seq"]: traces[event_id]}

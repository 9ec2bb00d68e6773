"""References, rendered when they are shown: what is gone, or has left the room, is shown as deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marshmallow import Schema

from nexcorp.db.encoding import encode, row_to_dict
from nexcorp.delivery.events import Statement
from nexcorp.delivery.notices import Sentences


def show_row(row: Any, sentences: Sentences) -> dict[str, Any]:
    """A row as it is."""
    return row_to_dict(row)


@dataclass(frozen=True, slots=True)
class Kind:
    """How references of one kind are rendered.

    `render` is a statement of sql/ that takes `ids` and gives a row for each that still exists: `id`, the
    members that everybody in a room may see, and `_rooms`, the names of the rooms in which it may be seen
    now. `schema` describes the members. `deleted` is the frame that is shown in place of what is gone:
    its id, and `keeps`, members of the frame's own data.
    """

    render: Statement
    schema: type[Schema]
    deleted: str
    keeps: tuple[str, ...] = ()
    # From a row to the members that are shown.
    show: Callable[[Any, Sentences], dict[str, Any]] = show_row


class Renderer:
    """Renders frames with the kinds of all features."""

    def __init__(self, kinds: Mapping[str, Kind], sentences: Sentences) -> None:
        self.kinds, self.sentences = kinds, sentences

    async def render(self, conn: Any, frames: Iterable[Any]) -> list[str]:
        """The JSON texts of `frames`, in their order; one statement for each kind of entity in them.

        `frames` are rows with the columns of room_frames: room, seq, event, entity_type, entity_id, data,
        members.
        """
        frames = list(frames)
        wanted: dict[str, set[UUID]] = {}
        for frame in frames:
            if frame["entity_type"] in self.kinds and frame["members"] != []:
                wanted.setdefault(frame["entity_type"], set()).add(frame["entity_id"])
        found: dict[tuple[str, UUID], tuple[dict[str, Any], Sequence[str]]] = {}
        for name, ids in wanted.items():
            kind = self.kinds[name]
            for row in await kind.render(conn, ids=list(ids)):
                found[name, row["id"]] = kind.show(row, self.sentences), row["_rooms"]
        return [self._compose(frame, found) for frame in frames]

    def _compose(
        self, frame: Any, found: Mapping[tuple[str, UUID], tuple[dict[str, Any], Sequence[str]]]
    ) -> str:
        event, data, room, members = frame["event"], frame["data"], frame["room"], frame["members"]
        kind = self.kinds.get(frame["entity_type"])
        if kind is not None and members != []:
            shown = found.get((frame["entity_type"], frame["entity_id"]))
            if shown is None or room not in shown[1]:
                event = kind.deleted
                data = {"id": frame["entity_id"], **{key: data[key] for key in kind.keeps if key in data}}
            elif members is None:
                data = {**data, **shown[0]}
            else:
                # Another release may have named what this one does not know.
                data = {**data, **{name: shown[0][name] for name in members if name in shown[0]}}
        return encode({"event": event, "data": data, "room": room, "seq": frame["seq"]}).decode()

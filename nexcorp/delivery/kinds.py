"""Render references when they are shown: an entity that is gone or left the room is shown as deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marshmallow import Schema

from nexcorp.db.encoding import encode, row_to_dict
from nexcorp.delivery.events import Statement
from nexcorp.delivery.notices import Sentences


def show_row(row: Any, sentences: Sentences) -> dict[str, Any]:
    """Return a row as it is."""
    return row_to_dict(row)


@dataclass(frozen=True, slots=True)
class Kind:
    """The rendering of one kind of entity.

    `render` is a statement of sql/ that takes `ids` and returns a row for each that still exists: `id`, the
    members that everybody in a room may see, and `_rooms`, the names of the rooms in which it may be seen
    now. `schema` describes the members. `deleted` is the event shown in place of a missing entity: its id,
    and `keeps`, members of the frame's own data.

    `list_seers`, for entities whose visibility differs by user: a statement that takes `ids` and `user_ids`,
    of equal length, and returns rows of `id` and `user_id`: the pairs in which the user sees the entity. It
    then replaces `_rooms` for the rooms of users; `hides` are members left out there, and the `deleted` frame
    has a `reason`: `deleted`, or `moved` out of the room's sight.
    """

    render: Statement
    schema: type[Schema]
    deleted: str
    keeps: tuple[str, ...] = ()
    # Turns a row into the members that are shown.
    show: Callable[[Any, Sentences], dict[str, Any]] = show_row
    list_seers: Statement | None = None
    hides: tuple[str, ...] = ()


USER_ROOM = "user:"


class Renderer:
    """Renders frames with the kinds of all features."""

    def __init__(self, kinds: Mapping[str, Kind], sentences: Sentences) -> None:
        self.kinds, self.sentences = kinds, sentences

    async def render(self, conn: Any, frames: Iterable[Any]) -> list[str]:
        """Return the JSON texts of `frames`, in their order; one statement for each kind of entity in them.

        `frames` are rows with the columns of room_frames: room, seq, event, entity_type, entity_id, data,
        members.
        """
        frames = list(frames)
        wanted: dict[str, set[UUID]] = {}
        personal: dict[str, Statement] = {}
        pairs: dict[str, set[tuple[UUID, UUID]]] = {}
        for frame in frames:
            name, entity_id = frame["entity_type"], frame["entity_id"]
            if name not in self.kinds or frame["members"] == []:
                continue
            wanted.setdefault(name, set()).add(entity_id)
            list_seers = self.kinds[name].list_seers
            if list_seers is not None and frame["room"].startswith(USER_ROOM):
                personal[name] = list_seers
                user_id = UUID(frame["room"].removeprefix(USER_ROOM))
                pairs.setdefault(name, set()).add((entity_id, user_id))
        found: dict[tuple[str, UUID], tuple[dict[str, Any], set[str]]] = {}
        for name, ids in wanted.items():
            kind = self.kinds[name]
            for row in await kind.render(conn, ids=list(ids)):
                found[name, row["id"]] = kind.show(row, self.sentences), set(row["_rooms"])
        for name, list_seers in personal.items():
            entities, users = zip(*pairs[name], strict=True)
            for row in await list_seers(conn, ids=list(entities), user_ids=list(users)):
                if (name, row["id"]) in found:
                    found[name, row["id"]][1].add(f"{USER_ROOM}{row['user_id']}")
        return [self._compose(frame, found) for frame in frames]

    def _compose(self, frame: Any, found: Mapping[tuple[str, UUID], tuple[dict[str, Any], set[str]]]) -> str:
        event, data, room, members = frame["event"], frame["data"], frame["room"], frame["members"]
        kind = self.kinds.get(frame["entity_type"])
        if kind is not None and members != []:
            shown = found.get((frame["entity_type"], frame["entity_id"]))
            if shown is None or room not in shown[1]:
                event = kind.deleted
                data = {"id": frame["entity_id"], **{key: data[key] for key in kind.keeps if key in data}}
                if kind.list_seers is not None:
                    data["reason"] = "deleted" if shown is None else "moved"
            elif members is None:
                data = {**data, **shown[0]}
                if kind.hides and room.startswith(USER_ROOM):
                    data = {name: value for name, value in data.items() if name not in kind.hides}
            else:
                # Another release may have named members that this one does not know.
                data = {**data, **{name: shown[0][name] for name in members if name in shown[0]}}
        return encode({"event": event, "data": data, "room": room, "seq": frame["seq"]}).decode()

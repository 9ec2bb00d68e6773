"""Numbers and stores what the rooms see, and takes out of it what nobody is to see any more."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.db.encoding import encode
from nexcorp.delivery.events import Frame
from nexcorp.realtime.protocol import RoomMessage, compose_frame


async def number_frames(conn: Any, frames: list[tuple[UUID, Frame]]) -> list[RoomMessage]:
    """Give every frame the next number of its room and store it; returns one message per room."""
    by_room: dict[str, list[tuple[UUID, str]]] = defaultdict(list)
    for event_id, frame in frames:
        text = encode({"event": frame.event, "data": frame.data}).decode()
        by_room[frame.room].append((event_id, text))
    names = sorted(by_room)
    last = await lock_rooms(conn, names)
    stored: list[tuple[str, int, UUID, str]] = []
    for name in names:
        for seq, (event_id, text) in enumerate(by_room[name], last[name] + 1):
            stored.append((name, seq, event_id, text))
    await sql.realtime.append_frames(
        conn,
        rooms=[row[0] for row in stored],
        seqs=[row[1] for row in stored],
        event_ids=[row[2] for row in stored],
        frames=[row[3] for row in stored],
        names=names,
        last_seqs=[last[name] + len(by_room[name]) for name in names],
    )
    counts = await count_unread(conn, names)
    messages: dict[str, RoomMessage] = {name: RoomMessage(name, [], counts.get(name)) for name in names}
    for name, seq, _, text in stored:
        messages[name].frames.append((seq, compose_frame(text, name, seq)))
    return list(messages.values())


async def clean_frames(conn: Any, replaced: list[tuple[str, str]], forgotten: list[tuple[str, str]]) -> None:
    """Take the text of what was edited or deleted, each (room, id), out of the frames that are stored.

    Under the locks of number_frames, and after it: frames of the same batch are cleaned as well.
    """
    for statement, things in (
        (sql.realtime.replace_frames, replaced),
        (sql.realtime.blank_frames, forgotten),
    ):
        if things:
            await statement(conn, rooms=[room for room, _ in things], ids=[item for _, item in things])


async def lock_rooms(conn: Any, names: list[str]) -> dict[str, int]:
    """Take the right to number the frames of these rooms; returns how far each has come."""
    rows = await sql.realtime.lock_rooms(conn, names=names)
    if len(rows) < len(names):
        await sql.realtime.create_rooms(conn, names=names)
        rows = await sql.realtime.lock_rooms(conn, names=names)
    return {row["name"]: row["last_seq"] for row in rows}


async def count_unread(conn: Any, rooms: list[str]) -> dict[str, int]:
    """The unread count that goes with what a `user:` room sees, by room."""
    users = [UUID(room.partition(":")[2]) for room in rooms if room.startswith("user:")]
    if not users:
        return {}
    rows = await sql.notifications.list_unread_counts(conn, user_ids=users)
    return {f"user:{row['user_id']}": row["unread"] for row in rows}

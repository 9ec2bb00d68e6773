"""Join a room, missing no frame and seeing none twice: first the past, then the present."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nexcorp.db import sql
from nexcorp.realtime import protocol
from nexcorp.realtime.hub import Member
from nexcorp.realtime.metrics import FRAMES
from nexcorp.realtime.node import Node
from nexcorp.realtime.protocol import wrap
from nexcorp.realtime.socket import Listener

# The past is read in parts of about this size, as the client takes them: it may take nothing.
PART_BYTES = 64 * 1024
FIRST_PART, LARGEST_PART = 8, 256
PART_WAIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Past:
    """A room's position `seq`; frames behind `after` were missed. `recovered`: they will be sent."""

    seq: int
    recovered: bool
    after: int

    @property
    def missed(self) -> int:
        """The number of missed frames."""
        return self.seq - self.after


async def read_past(node: Node, conn: Any, name: str, epoch: Any, seq: Any) -> Past:
    """Return what a client at (epoch, seq) missed, all of it or nothing; a new client has (None, None)."""
    if node.rooms.gathers(name):
        return Past(0, False, 0)
    room = await sql.realtime.get_room(conn, name=name)
    last, first = (room["last_seq"], room["min_seq"]) if room else (0, 1)
    known = type(seq) is int and epoch == node.positions.epoch and first - 1 <= seq <= last
    if not known or last - seq > protocol.MAX_RECOVERED:
        return Past(last, False, last)
    return Past(last, True, seq)


async def read_part(node: Node, name: str, after: int, most: int) -> list[tuple[int, bytes]]:
    """Return up to `most` frames behind `after`, with their numbers; empty if the first one is gone."""
    async with node.database.connection(wait=PART_WAIT_SECONDS) as conn:
        rows = await sql.realtime.read_frames(conn, room=name, after=after, most=most)
        if not rows or rows[0]["seq"] != after + 1:
            return []
        texts = await node.renderer.render(conn, rows)
    return [(row["seq"], wrap(text.encode())) for row, text in zip(rows, texts, strict=True)]


async def enter(
    node: Node, socket: Listener, conn: Any, name: str, epoch: Any, seq: Any
) -> tuple[Member, Past]:
    """Join a room, buffering live frames, and return what was missed; `catch_up` reads and sends it."""
    before = node.hub.find_member(socket, name)
    member = node.hub.join(socket, name)
    try:
        await node.listener.follow(name)
        return member, await read_past(node, conn, name, epoch, seq)
    except BaseException:
        go_back(node, socket, name, member, before)
        raise


def go_back(node: Node, socket: Listener, name: str, member: Member, before: Member | None) -> None:
    """Undo a join: leave the room, or stay in it as the member `before`."""
    hub = node.hub
    if hub.find_member(socket, name) is not member:
        return
    if before is None:
        hub.leave(socket, name)
    else:
        hub.go_live(name, member, before.sent)


async def catch_up(node: Node, socket: Listener, name: str, member: Member, past: Past) -> None:
    """Send the missed frames at the client's pace, then the buffered ones.

    Stops if the client is removed from the room. If reading fails, closes the socket and raises that error.
    """
    sent, most = past.after, FIRST_PART
    while sent < past.seq:
        try:
            frames = await read_part(node, name, sent, most)
        except BaseException:
            socket.close(protocol.RESYNC, "not read")
            raise
        if not frames:
            socket.close(protocol.RESYNC, "missed a frame")
            return
        size = sum(len(data) for _, data in frames)
        most = min(LARGEST_PART, max(1, PART_BYTES * len(frames) // size))
        for written, (_, data) in enumerate(frames):
            if socket.closing or node.hub.find_member(socket, name) is not member:
                FRAMES.inc(written)
                return
            socket.write(data)
            await socket.let_drain()
        FRAMES.inc(len(frames))
        # The last part may also hold frames committed meanwhile.
        sent = frames[-1][0]
    node.hub.go_live(name, member, sent)

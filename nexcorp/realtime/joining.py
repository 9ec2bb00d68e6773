"""How a listener joins a room, missing nothing and seeing nothing twice: first the past, then the present."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nexcorp.db import sql
from nexcorp.realtime import protocol
from nexcorp.realtime.hub import Member
from nexcorp.realtime.node import Node
from nexcorp.realtime.protocol import wrap
from nexcorp.realtime.socket import Listener

# The past is read in parts of about so many bytes, as fast as the client takes them: it may take none.
PART_BYTES = 64 * 1024
FIRST_PART, LARGEST_PART = 8, 256
PART_WAIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Past:
    """Where a room stands, and the number behind which a returning client missed what came since."""

    seq: int
    recovered: bool
    after: int

    @property
    def missed(self) -> int:
        """How many frames there are to be made up for."""
        return self.seq - self.after


async def read_past(node: Node, conn: Any, name: str, epoch: Any, seq: Any) -> Past:
    """What a client at (epoch, seq) missed, whole or not at all; (None, None) for a new one."""
    if node.rooms.gathers(name):
        return Past(0, False, 0)
    room = await sql.realtime.get_room(conn, name=name)
    last, first = (room["last_seq"], room["min_seq"]) if room else (0, 1)
    known = type(seq) is int and epoch == node.positions.epoch and first - 1 <= seq <= last
    if not known or last - seq > protocol.MAX_RECOVERED:
        return Past(last, False, last)
    return Past(last, True, seq)


async def read_part(node: Node, name: str, after: int, most: int) -> list[tuple[int, bytes]]:
    """The next frames of a room behind a number, each with its own; empty where the first of them is gone."""
    async with node.database.connection(wait=PART_WAIT_SECONDS) as conn:
        rows = await sql.realtime.read_frames(conn, room=name, after=after, most=most)
        if not rows or rows[0]["seq"] != after + 1:
            return []
        texts = await node.renderer.render(conn, rows)
    return [(row["seq"], wrap(text.encode())) for row, text in zip(rows, texts, strict=True)]


async def enter(
    node: Node, socket: Listener, conn: Any, name: str, epoch: Any, seq: Any
) -> tuple[Member, Past]:
    """Join a room, holding back what is live, and learn what was missed; `catch_up` reads and sends it."""
    before = node.hub.find_member(socket, name)
    member = node.hub.join(socket, name)
    try:
        await node.listener.follow(name)
        return member, await read_past(node, conn, name, epoch, seq)
    except BaseException:
        go_back(node, socket, name, member, before)
        raise


def go_back(node: Node, socket: Listener, name: str, member: Member, before: Member | None) -> None:
    """Undo that a socket joined a room: it leaves, or goes on in it as the member that it was `before`."""
    hub = node.hub
    if hub.find_member(socket, name) is not member:
        return
    if before is None:
        hub.leave(socket, name)
    else:
        hub.go_live(name, member, before.sent)


async def catch_up(node: Node, socket: Listener, name: str, member: Member, past: Past) -> None:
    """Send what was missed, at the client's pace, then what was held back meanwhile.

    It ends where the client is taken out of the room. Where the past cannot be read any more, the socket is
    closed: raises what reading it raised.
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
        for _, data in frames:
            if socket.closing or node.hub.find_member(socket, name) is not member:
                return
            socket.write(data)
            await socket.let_drain()
        # It may hold what was committed meanwhile, too.
        sent = frames[-1][0]
    node.hub.go_live(name, member, sent)

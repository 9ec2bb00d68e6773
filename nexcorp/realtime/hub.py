"""The rooms of one node: their members, and the number of the last frame each member was sent.

A room's `position` is the number of the last frame that this node has broadcast. A frame at or below it is a
duplicate, the next number is broadcast, and a higher number means that a frame was lost: the room is then
read from PostgreSQL. Every member gets every frame, in order and once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from nexcorp.realtime import protocol
from nexcorp.realtime.metrics import FRAMES, SOCKETS
from nexcorp.realtime.protocol import RoomMessage
from nexcorp.realtime.socket import Listener, Socket

MAX_SOCKETS_PER_USER = 10


class Member:
    """A listener in a room. While its past is being sent, live frames wait in `buffer`, and the newest unread
    count in `unread`.

    `unread` is None until a count came; `since` is the time of joining, by the monotonic clock.
    """

    __slots__ = ("buffer", "sent", "since", "socket", "unread")

    def __init__(self, socket: Listener) -> None:
        self.socket = socket
        self.since = time.monotonic()
        self.sent = 0
        self.unread: int | None = None
        self.buffer: list[tuple[int, bytes]] | None = []


class Room:
    """One room on this node. `position` is None until its first member has read the room's position."""

    __slots__ = ("early", "members", "name", "position")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[Listener, Member] = {}
        self.position: int | None = None
        self.early: list[RoomMessage] = []


def wrap_unread(unread: int) -> bytes:
    """Return the unread count as a frame without a number."""
    return protocol.wrap_event("unread-count", {"count": unread})


class Hub:
    """All sockets of one kind on this node, at most `most` for each user.

    Callbacks: `on_behind(name)` when a room missed a frame, `on_changed(name)` when a room got its first
    member or lost its last, `on_gone(socket)` when a socket was removed.
    """

    def __init__(self, most: int = MAX_SOCKETS_PER_USER) -> None:
        self.most = most
        self.rooms: dict[str, Room] = {}
        self.sockets: set[Socket] = set()
        self.by_user: dict[UUID, set[Socket]] = defaultdict(set)
        self.on_behind: Callable[[str], None] = lambda name: None
        self.on_changed: Callable[[str], None] = lambda name: None
        self.on_gone: Callable[[Socket], None] = lambda socket: None

    def add(self, socket: Socket) -> bool:
        """Add a socket; return False if its user already has `most` open ones."""
        mine = self.by_user[socket.user_id]
        if sum(not other.closing for other in mine) >= self.most:
            return False
        mine.add(socket)
        self.sockets.add(socket)
        SOCKETS.inc()
        return True

    def remove(self, socket: Socket) -> None:
        """Forget a socket and its places in rooms."""
        for name in list(socket.rooms):
            self.leave(socket, name)
        if socket in self.sockets:
            self.sockets.discard(socket)
            SOCKETS.dec()
        mine = self.by_user.get(socket.user_id)
        if mine is not None:
            mine.discard(socket)
            if not mine:
                del self.by_user[socket.user_id]
        self.on_gone(socket)

    def join(self, socket: Listener, name: str) -> Member:
        """Put a socket in a room, buffering: call `go_live` once it has been sent the past."""
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = Room(name)
            self.on_changed(name)
        member = room.members[socket] = Member(socket)
        socket.rooms.add(name)
        return member

    def find_member(self, socket: Listener, name: str) -> Member | None:
        """Return the socket's membership of a room, or None."""
        room = self.rooms.get(name)
        return room.members.get(socket) if room is not None else None

    def leave(self, socket: Listener, name: str) -> None:
        """Take a socket out of a room; an empty room is forgotten."""
        socket.rooms.discard(name)
        room = self.rooms.get(name)
        if room is not None and room.members.pop(socket, None) is not None and not room.members:
            del self.rooms[name]
            self.on_changed(name)

    def go_live(self, name: str, member: Member, position: int) -> None:
        """Send a member, which has had everything up to `position`, its buffered frames; then go live."""
        room = self.rooms.get(name)
        buffer, member.buffer, member.sent = member.buffer, None, position
        if room is None or room.members.get(member.socket) is not member:
            return
        for seq, data in buffer or ():
            if seq > member.sent + 1:
                break
            if seq > member.sent:
                member.sent = seq
                member.socket.write(data)
        if member.unread is not None:
            member.socket.write(wrap_unread(member.unread))
        FRAMES.inc(member.sent - position + (member.unread is not None))
        if room.position is None:
            room.position = position
            early, room.early = room.early, []
            for message in early:
                self.receive(message)
        elif member.sent < room.position:
            # Another of the first members read a later position, and the frames in between were not broadcast
            # here. The room goes back; members that have had them get nothing twice.
            room.position = member.sent
            self.on_behind(name)

    def show(self, name: str, event: str, data: Any) -> None:
        """Write a frame without a number to the members of a room on this node."""
        room = self.rooms.get(name)
        members = [] if room is None else [one for one in room.members.values() if one.buffer is None]
        frame = protocol.wrap_event(event, data, room=name)
        FRAMES.inc(len(members))
        for member in members:
            member.socket.write(frame)

    def receive(self, message: RoomMessage) -> None:
        """Take a pushed message: broadcast the next frames, and report a gap before them to `on_behind`."""
        room = self.rooms.get(message.room)
        if room is None:
            return
        if room.position is None:
            room.early.append(message)
            return
        for seq, text in message.frames:
            if seq == room.position + 1:
                self.broadcast(room, seq, text)
            elif seq > room.position:
                self.on_behind(room.name)
                return
        # A message older than the room's position has an outdated count.
        overtaken = message.frames and message.frames[-1][0] < room.position
        if message.unread is not None and not overtaken:
            self.show_unread(room, message.unread)

    def broadcast(self, room: Room, seq: int, text: str) -> None:
        """Write one frame, encoded once, to every member that has not had it."""
        room.position = seq
        data, written = protocol.wrap(text.encode()), 0
        for member in list(room.members.values()):
            if member.buffer is not None:
                if len(member.buffer) < protocol.MAX_RECOVERED:
                    member.buffer.append((seq, data))
                else:
                    # It reads its past so slowly that it must begin anew.
                    member.socket.close(protocol.RESYNC, "too far behind")
            elif seq == member.sent + 1:
                member.sent = seq
                member.socket.write(data)
                written += 1
            elif seq > member.sent:
                member.socket.close(protocol.RESYNC, "missed a frame")
        FRAMES.inc(written)

    def show_unread(self, room: Room, unread: int) -> None:
        """Write the unread count, a frame without a number, to all members, or keep it until they go live."""
        data, written = wrap_unread(unread), 0
        for member in list(room.members.values()):
            member.unread = unread
            if member.buffer is None:
                member.socket.write(data)
                written += 1
        FRAMES.inc(written)

    def positions(self) -> dict[str, int]:
        """Return each room's position on this node; rooms without one are left out."""
        return {name: room.position for name, room in self.rooms.items() if room.position is not None}

    def drop_room(self, name: str, code: int, reason: str) -> None:
        """Close every socket of a room, which missed more frames than can be recovered."""
        room = self.rooms.get(name)
        for socket in list(room.members) if room else []:
            socket.close(code, reason)

    def close_session(self, session_id: UUID, code: int, reason: str) -> None:
        """Close the sockets of one session."""
        for socket in list(self.sockets):
            if socket.principal.session_id == session_id:
                socket.close(code, reason)

    def close_outdated(self, user_id: UUID, version: int, code: int, reason: str) -> None:
        """Close a user's sockets whose tokens are of an older role version."""
        for socket in list(self.by_user.get(user_id, ())):
            if socket.principal.role_version < version:
                socket.close(code, reason)

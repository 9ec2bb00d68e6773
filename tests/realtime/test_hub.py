"""The hub alone: frames that come early, late, twice or not at all."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from nexcorp.realtime.hub import Hub
from nexcorp.realtime.metrics import FRAMES
from nexcorp.realtime.protocol import (
    MAX_RECOVERED,
    RESYNC,
    RoomMessage,
    pack_messages,
    unpack_messages,
    wrap,
)
from nexcorp.realtime.socket import Socket
from nexcorp.security.tokens import Principal

ROOM = "post:1"


class Transport:
    """Keeps the bytes that a socket writes."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        self.written.append(data)


class Listening(Socket):
    """A socket that notes its close code instead of closing."""

    __slots__ = ("code", "transport")

    def __init__(self) -> None:
        self.transport, self.code = Transport(), None
        who = Principal(uuid4(), uuid4(), "member", 1, "cli", 2e9)
        super().__init__(None, self.transport, who)  # type: ignore[arg-type]

    def close(self, code: int, reason: str) -> None:
        self.closing, self.code = True, code

    @property
    def seen(self) -> list[Any]:
        """Numbers of frames and counts of unread, in the order of writing."""
        frames = [json.loads(data[2:] if data[1] < 126 else data[4:]) for data in self.transport.written]
        return [frame["seq"] if "seq" in frame else frame["data"] for frame in frames]


def message(*seqs: int, unread: int | None = None) -> RoomMessage:
    frames = [{"event": "e", "data": {}, "room": ROOM, "seq": seq} for seq in seqs]
    return RoomMessage(ROOM, [(frame["seq"], json.dumps(frame)) for frame in frames], unread)


@pytest.fixture
def hub():
    hub = Hub()
    hub.behind = []
    hub.on_behind = hub.behind.append
    return hub


def joined(hub: Hub, position: int) -> Listening:
    socket = Listening()
    hub.add(socket)
    hub.go_live(ROOM, hub.join(socket, ROOM), position)
    return socket


def test_next_frame_is_sent_and_seen_ones_are_not(hub):
    socket = joined(hub, 5)
    for seqs in ((6,), (6,), (5, 6, 7), (7, 8, 9), (3,)):
        hub.receive(message(*seqs))
    assert (socket.seen, hub.behind) == ([6, 7, 8, 9], [])


def test_gap_is_reported_and_nothing_behind_it_is_sent(hub):
    socket = joined(hub, 5)
    hub.receive(message(7, 8, unread=3))
    assert (socket.seen, hub.behind, hub.positions()) == ([], [ROOM], {ROOM: 5})
    hub.receive(message(6, 7, 8))
    assert socket.seen == [6, 7, 8]


def test_frames_wait_while_the_past_is_read(hub):
    first = joined(hub, 5)
    late = Listening()
    member = hub.join(late, ROOM)
    hub.receive(message(6, 7, 8))
    assert (first.seen, late.seen) == ([6, 7, 8], [])
    hub.go_live(ROOM, member, 7)
    hub.receive(message(9))
    assert late.seen == [8, 9]


def test_count_that_comes_while_the_past_is_read_is_shown_behind_it(hub):
    joined(hub, 5)
    late = Listening()
    member = hub.join(late, ROOM)
    hub.receive(message(6, unread=4))
    hub.receive(message(7, unread=5))
    hub.go_live(ROOM, member, 5)
    assert late.seen == [6, 7, {"count": 5}]


def test_frames_are_counted_where_they_are_written(hub):
    before = FRAMES._value.get()
    sockets = [joined(hub, 5), joined(hub, 5), joined(hub, 7), Listening()]
    late = hub.join(sockets[-1], ROOM)
    hub.receive(message(6, 7, 8, unread=3))
    hub.go_live(ROOM, late, 6)
    assert FRAMES._value.get() - before == sum(len(one.seen) for one in sockets) == 13


def test_first_member_hears_what_came_before_the_room_had_a_position(hub):
    socket = Listening()
    member = hub.join(socket, ROOM)
    hub.receive(message(4, 5))
    hub.receive(message(6, 7, unread=2))
    hub.go_live(ROOM, member, 5)
    assert (socket.seen, hub.positions()) == ([6, 7, {"count": 2}], {ROOM: 7})


def test_two_first_members_that_read_different_pasts_see_the_same(hub):
    one, two = Listening(), Listening()
    members = hub.join(one, ROOM), hub.join(two, ROOM)
    hub.receive(message(6))
    hub.go_live(ROOM, members[0], 5)
    hub.receive(message(7))
    hub.go_live(ROOM, members[1], 6)
    hub.receive(message(8))
    assert (one.seen, two.seen) == ([6, 7, 8], [7, 8])


def test_first_member_that_read_an_earlier_past_is_made_whole(hub):
    early, late = Listening(), Listening()
    members = hub.join(early, ROOM), hub.join(late, ROOM)
    hub.receive(message(6, 7, 8))
    hub.go_live(ROOM, members[1], 8)
    hub.go_live(ROOM, members[0], 5)
    assert hub.behind == [ROOM]
    # The catch-up reads from the room's lowest position.
    assert hub.positions() == {ROOM: 5}
    hub.receive(message(6, 7, 8))
    hub.receive(message(9))
    assert (early.seen, late.seen) == ([6, 7, 8, 9], [9])


def test_overtaken_message_shows_no_old_count(hub):
    socket = joined(hub, 5)
    hub.receive(message(6, 7, unread=2))
    hub.receive(message(6, unread=1))
    assert socket.seen == [6, 7, {"count": 2}]


def test_early_gap_is_reported(hub):
    socket = Listening()
    member = hub.join(socket, ROOM)
    hub.receive(message(8))
    hub.go_live(ROOM, member, 5)
    assert (socket.seen, hub.behind) == ([], [ROOM])


def test_member_ahead_of_its_room_is_sent_nothing_twice(hub):
    behind = joined(hub, 5)
    ahead = joined(hub, 8)
    hub.receive(message(6, 7, 8, 9))
    assert (behind.seen, ahead.seen) == ([6, 7, 8, 9], [9])


def test_gap_between_past_and_buffer_is_read_again(hub):
    """Of two first members, one read a later past and went live; the other has 9 and lacks 6 to 8."""
    early, late = Listening(), Listening()
    members = hub.join(early, ROOM), hub.join(late, ROOM)
    hub.go_live(ROOM, members[1], 8)
    hub.receive(message(9))
    hub.go_live(ROOM, members[0], 5)
    assert (early.seen, early.code, hub.behind, hub.positions()) == ([], None, [ROOM], {ROOM: 5})
    hub.receive(message(6, 7, 8, 9))
    hub.receive(message(10))
    assert (early.seen, late.seen) == ([6, 7, 8, 9, 10], [9, 10])


def test_who_reads_the_past_for_too_long_begins_anew(hub):
    joined(hub, 1)
    slow = Listening()
    hub.add(slow)
    hub.join(slow, ROOM)
    hub.receive(message(*range(2, MAX_RECOVERED + 2)))
    assert slow.code is None
    hub.receive(message(MAX_RECOVERED + 2))
    assert slow.code == RESYNC


def test_who_left_while_reading_hears_nothing(hub):
    other = joined(hub, 5)
    socket = Listening()
    member = hub.join(socket, ROOM)
    hub.receive(message(6))
    hub.leave(socket, ROOM)
    hub.go_live(ROOM, member, 5)
    hub.receive(message(7))
    assert (socket.seen, other.seen) == ([], [6, 7])


def test_empty_room_is_forgotten(hub):
    socket = joined(hub, 5)
    hub.remove(socket)
    assert (hub.rooms, hub.sockets, dict(hub.by_user), socket.rooms) == ({}, set(), {}, set())
    hub.receive(message(6))
    assert hub.rooms == {}
    assert joined(hub, 9).seen == []
    assert hub.positions() == {ROOM: 9}


def test_removing_twice_is_harmless(hub):
    socket = joined(hub, 5)
    hub.remove(socket)
    hub.remove(socket)
    assert not hub.by_user


def test_rooms_are_apart(hub):
    socket = joined(hub, 5)
    hub.receive(RoomMessage("post:2", [(6, "{}")]))
    assert socket.seen == []


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_header_tells_the_size(size):
    data = wrap(b"x" * size)
    assert data[0] == 0x81
    short = data[1]
    if size < 126:
        assert (short, len(data)) == (size, 2 + size)
    elif size < 65536:
        assert (short, int.from_bytes(data[2:4]), len(data)) == (126, size, 4 + size)
    else:
        assert (short, int.from_bytes(data[2:10]), len(data)) == (127, size, 10 + size)


def test_message_between_nodes_survives_the_way():
    sent = RoomMessage("user:ä", [(2**53, '{"a":"ü\\u0000"}'), (2**53 + 1, "{}")], 7)
    assert unpack_messages(pack_messages([sent])) == [sent]
    assert unpack_messages(pack_messages([RoomMessage("r", [])]))[0].unread is None

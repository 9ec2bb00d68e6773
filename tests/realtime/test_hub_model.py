"""The hub against a model: messages are lost, repeated and reordered; members join, read, go live and leave.

Each member must see one unbroken run from the end of the past it has read to the end of the room.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nexcorp.realtime.hub import Hub, Member
from nexcorp.realtime.protocol import RoomMessage
from tests.realtime.test_hub import ROOM, Listening, message

KINDS = ["commit", "push", "join", "live"] * 2 + ["read", "leave", "check", "look", "repair"]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 7)), min_size=15, max_size=60)


class Model:
    """A model of PostgreSQL, of messages on their way, and of one node's hub."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.behind: set[str] = set()
        self.hub.on_behind = self.behind.add
        self.last = 0
        self.on_the_way: list[RoomMessage] = []
        self.joining: list[tuple[Listening, Member, int | None]] = []
        self.live: list[tuple[Listening, int]] = []
        self.looks: list[RoomMessage] = []

    def commit(self, choice: int) -> None:
        frames = choice % 3 + 1
        self.on_the_way.append(message(*range(self.last + 1, self.last + frames + 1)))
        self.last += frames

    def push(self, choice: int) -> None:
        """Let a message arrive. With a choice of 6 or 7 it may arrive again, or is lost in the end."""
        if self.on_the_way:
            index = choice % len(self.on_the_way)
            self.hub.receive(self.on_the_way[index])
            if choice < 6:
                del self.on_the_way[index]

    def join(self, choice: int) -> None:
        socket = Listening()
        self.joining.append((socket, self.hub.join(socket, ROOM), None))

    def read(self, choice: int) -> None:
        unread = [entry for entry in self.joining if entry[2] is None]
        if unread:
            entry = unread[choice % len(unread)]
            self.joining[self.joining.index(entry)] = (*entry[:2], self.last)

    def go_live(self, choice: int) -> None:
        ready = [entry for entry in self.joining if entry[2] is not None]
        if ready:
            entry = ready[choice % len(ready)]
            self.joining.remove(entry)
            self.hub.go_live(ROOM, entry[1], entry[2])
            self.live.append((entry[0], entry[2]))

    def leave(self, choice: int) -> None:
        members = self.live if choice % 2 else self.joining
        if members:
            socket = members.pop(choice % len(members))[0]
            self.hub.remove(socket)
            self.verify(socket)

    def verify(self, socket: Listening) -> None:
        """Check that a member that leaves has seen a run without a gap."""
        assert socket.code is None
        if socket.seen:
            assert socket.seen == list(range(socket.seen[0], socket.seen[-1] + 1))

    def check(self, choice: int) -> None:
        if any(position < self.last for position in self.hub.positions().values()):
            self.behind.add(ROOM)

    def look(self, choice: int) -> None:
        """Let the catch-up read the missing frames; repair() hands them over later."""
        if self.behind:
            self.behind.clear()
            position = self.hub.positions().get(ROOM)
            if position is not None:
                self.looks.append(message(*range(position + 1, self.last + 1)))

    def repair(self, choice: int) -> None:
        """Hand the frames of the oldest look() to the hub."""
        if self.looks:
            self.hub.receive(self.looks.pop(0))

    def settle(self) -> None:
        """Let every member go live, and repair until nothing is missing."""
        while self.joining:
            self.read(0)
            self.go_live(0)
        for _ in range(3):
            self.check(0)
            self.look(0)
            while self.looks:
                self.repair(0)
        assert not self.behind


@settings(max_examples=400, deadline=None, database=None, derandomize=True)
@given(STEPS)
def test_every_member_sees_one_unbroken_run(steps):
    model = Model()
    for step, choice in steps:
        getattr(model, "go_live" if step == "live" else step)(choice)
    model.settle()
    for socket, past in model.live:
        assert socket.code is None
        assert socket.seen == list(range(past + 1, model.last + 1))

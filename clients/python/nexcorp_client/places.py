"""The progress of a client in each room, and which frames are new to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """A position in a room: frames up to `seq`, in this `epoch`. Rooms without numbers have neither."""

    epoch: str | None
    seq: int | None


@dataclass(slots=True)
class Room:
    """A room that the client wants to be in.

    `came`: the last frame that was received; `shown`: the last frame that the reader took.
    """

    came: Place | None = None
    shown: Place | None = None
    acked: int | None = None

    @classmethod
    def at(cls, place: Place | None) -> Room:
        """Return a room that was shown up to a place."""
        return cls(place, place, place.seq if place is not None else None)

    def joined(self, epoch: str | None, seq: int, recovered: bool) -> bool:
        """Take the room's place from the service; return True if frames cannot be recovered."""
        before = self.came
        if recovered and before is not None:
            self.came = Place(epoch, before.seq)
            return False
        # A room without numbers has no epoch: frames in between cannot be known either.
        self.came = Place(epoch, seq)
        if before is None:
            self.shown, self.acked = self.came, seq
        return before is not None

    def is_new(self, seq: int) -> bool:
        """Whether a frame has not come before; notes that it has."""
        if self.came is not None and self.came.seq is not None and seq <= self.came.seq:
            return False
        self.came = Place(self.came.epoch if self.came is not None else None, seq)
        return True

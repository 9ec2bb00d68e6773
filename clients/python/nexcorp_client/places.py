"""How far a client has come in each room, and which frames are new to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """A room's frames are known up to `seq`, in this `epoch`. Rooms without numbers have neither."""

    epoch: str | None
    seq: int | None


@dataclass(slots=True)
class Room:
    """A room that the client wants to be in.

    `came`: up to where frames have come; `shown`: up to where they were taken by whoever reads them.
    """

    came: Place | None = None
    shown: Place | None = None
    acked: int | None = None

    @classmethod
    def at(cls, place: Place | None) -> Room:
        """A room that was shown up to a place."""
        return cls(place, place, place.seq if place is not None else None)

    def joined(self, epoch: str | None, seq: int, recovered: bool) -> bool:
        """The service says where the room stands; True where frames were missed for good."""
        before = self.came
        if recovered and before is not None:
            self.came = Place(epoch, before.seq)
            return False
        # It has no numbers where it has no epoch: what came in between is not known either.
        self.came = Place(epoch, seq)
        if before is None:
            self.shown, self.acked = self.came, seq
        return before is not None

    def is_new(self, seq: int) -> bool:
        """Whether a frame has not come before; it has, from now on."""
        if self.came is not None and self.came.seq is not None and seq <= self.came.seq:
            return False
        self.came = Place(self.came.epoch if self.came is not None else None, seq)
        return True

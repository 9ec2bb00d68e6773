"""Messages between nodes about files that are edited together. Lost ones are made up for from PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

import msgspec

from nexcorp.realtime.bus import Publisher

CHANNEL = "nexcorp:collab"
MAX_PAYLOAD_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Announce:
    """An effect for conn.after(): show updates that a request stored (as node 0) to all editors of the file.

    `first` is the number of the first update.
    """

    file_id: UUID
    first: int
    updates: tuple[bytes, ...]


class Message(msgspec.Struct, array_like=True):
    """A node's message about a file: updates and the first one's number, or awareness states with number 0.

    Number 0 without states asks other nodes for theirs. Updates too large for Redis are left out: `first` is
    then behind the last of them.
    """

    node: int
    file_id: UUID
    first: int
    parts: list[bytes]


pack_messages = msgspec.msgpack.Encoder().encode
unpack_messages = msgspec.msgpack.Decoder(list[Message]).decode


class Messenger:
    """Sends one node's messages in order: all that came during the last round trip at once."""

    def __init__(self, node: int, publisher: Publisher) -> None:
        self.node, self.publisher = node, publisher
        self._waiting: list[Message] = []
        self._wake = asyncio.Event()

    def tell_updates(self, file_id: UUID, first: int, updates: list[bytes]) -> None:
        """Tell other nodes about stored updates."""
        if sum(map(len, updates)) > MAX_PAYLOAD_BYTES:
            first, updates = first + len(updates), []
        self._tell(Message(self.node, file_id, first, updates))

    def tell_states(self, file_id: UUID, body: bytes) -> None:
        """Tell other nodes the states of editors here."""
        self._tell(Message(self.node, file_id, 0, [body]))

    def ask_states(self, file_id: UUID) -> None:
        """Ask other nodes for the states of their editors."""
        self._tell(Message(self.node, file_id, 0, []))

    def _tell(self, message: Message) -> None:
        self._waiting.append(message)
        self._wake.set()

    async def run(self) -> None:
        """Send messages as they come, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.send()

    async def send(self) -> None:
        """Send the waiting messages now."""
        waiting, self._waiting = self._waiting, []
        payloads: list[list[Message]] = []
        left = 0
        for message in waiting:
            size = sum(map(len, message.parts))
            if size > left or not payloads:
                payloads.append([])
                left = MAX_PAYLOAD_BYTES
            payloads[-1].append(message)
            left -= size
        await self.publisher.publish([(CHANNEL, pack_messages(payload)) for payload in payloads])

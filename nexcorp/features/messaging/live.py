"""News of conversations for members outside their rooms, and news that is not stored: both only over Redis.

Each node knows the conversations of the people with sockets on it. So a message costs one payload for any
number of members. If Redis loses news, the node sends `resync`: clients then read their lists again.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import structlog

from nexcorp.errors import AppError
from nexcorp.features.messaging.places import Places
from nexcorp.realtime.checks import CHECK_SECONDS, Checks
from nexcorp.realtime.hub import Hub
from nexcorp.realtime.node import Node
from nexcorp.realtime.protocol import wrap_event
from nexcorp.realtime.socket import Listener, Socket

log = structlog.get_logger("nexcorp.messaging")

CHANNEL = "nexcorp:conversations"
READ = "message:read"
# In larger conversations the read marks of others are not shown live.
MAX_SHOWN_READING = 50
TYPING_SECONDS = 2.0
POOL_WAIT_SECONDS = 2.0
AGAIN_SECONDS = 1.0
# People who are sent `resync` at a time, and the pause behind them.
PEOPLE_AT_ONCE, PAUSE_SECONDS = 100, 0.05


@dataclass(frozen=True, slots=True)
class Say:
    """An effect for conn.after(): show news of a conversation on all nodes.

    `kind`: activity (`n` is the newest message; `by` wrote or deleted one), joined and left (`people`),
    ended, read (`by` has read up to `n`, and received up to `delivered_n`; `shown`: others see it as well),
    typing (`by`), lost (Redis did not take some news).
    """

    kind: str
    conversation_id: UUID
    by: UUID | None = None
    n: int = 0
    people: tuple[UUID, ...] = ()
    delivered_n: int = 0
    shown: bool = False


class Message(msgspec.Struct, array_like=True):
    """News that a node sends to the others."""

    node: int
    said: Say


pack_messages = msgspec.msgpack.Encoder().encode
unpack_messages = msgspec.msgpack.Decoder(list[Message]).decode
LOST = Say("lost", UUID(int=0))


def room_of(conversation_id: UUID) -> str:
    """The room of a conversation."""
    return f"conversation:{conversation_id}"


class Conversations:
    """A companion of the node: the conversations of everybody who has a socket on it."""

    channel = CHANNEL

    def __init__(self, node: Node) -> None:
        self.node = node
        # Empty: there are no sockets beside those of rooms.
        self.hub = Hub()
        self.number = secrets.randbelow(2**62) + 1
        self.places = Places()
        self._typed: dict[Socket, float] = {}
        self._waiting: list[Message] = []
        self._wake = asyncio.Event()
        self._checks = Checks("conversations")
        self._behind = False
        node.accompany(self)
        node.welcomes.append(self.welcome)
        node.hub.on_gone = self.forget

    async def welcome(self, conn: Any, socket: Socket) -> None:
        """Load a user's conversations before their first socket is told `connected`."""
        user_id = socket.user_id
        if self.places.knows(user_id) or not self.node.rooms.has(socket.principal, READ):
            return
        await self.places.load(conn, [user_id])
        if user_id not in self.node.hub.by_user:
            self.forget(socket)

    def forget(self, socket: Socket) -> None:
        """Forget a closed socket, and with a user's last socket the user's conversations."""
        self._typed.pop(socket, None)
        if socket.user_id not in self.node.hub.by_user:
            self.places.clear(socket.user_id)

    def say(self, said: Say) -> None:
        """Show news on this node, and send it to the others."""
        self._show(said)
        self._waiting.append(Message(self.number, said))
        self._wake.set()

    def receive(self, data: bytes) -> None:
        """See Companion."""
        for message in unpack_messages(data):
            if message.node != self.number:
                self._show(message.said)

    def _show(self, said: Say) -> None:
        conversation_id, room = said.conversation_id, room_of(said.conversation_id)
        if said.kind == "activity":
            self._show_activity(said)
        elif said.kind == "typing":
            data: dict[str, Any] = {"conversationId": conversation_id, "userId": said.by}
            self._write(
                (one for one in self._list_present(room) if one.user_id != said.by),
                wrap_event("typing", data),
            )
        elif said.kind == "read":
            data = {
                "conversationId": conversation_id,
                "userId": said.by,
                "readN": said.n,
                "deliveredN": said.delivered_n,
            }
            own = set(self._list_sockets([said.by]))
            self._write(
                own.union(self._list_present(room) if said.shown else ()),
                wrap_event("conversation:read", data),
            )
        elif said.kind == "joined":
            for user_id in said.people:
                self.places.add(conversation_id, user_id)
            self._resync(said.people)
        elif said.kind in ("left", "ended"):
            people = said.people if said.kind == "left" else self.places.list_people(conversation_id)
            for user_id in people:
                self.places.remove(conversation_id, user_id)
            if said.kind == "left":
                # If the conversation ended, a frame shows that to its room first; _check() then evicts them.
                for listener in self._list_present(room):
                    if listener.user_id in people:
                        self.node.guard.evict(listener, room)
            self._resync(people)
        elif said.kind == "lost":
            self.check_soon()

    def _show_activity(self, said: Say) -> None:
        data = {"id": said.conversation_id, "n": said.n, "by": said.by}
        room = room_of(said.conversation_id)
        elsewhere = (
            socket
            for socket in self._list_sockets(self.places.list_people(said.conversation_id))
            if room not in socket.rooms and self.node.rooms.has(socket.principal, READ)
        )
        self._write(elsewhere, wrap_event("conversation:activity", data))

    def _resync(self, people: Iterable[UUID]) -> None:
        """Tell people's clients to read their lists again."""
        self._write(self._list_sockets(people), wrap_event("resync", {"scope": "conversations"}))

    def _list_sockets(self, people: Iterable[UUID | None]) -> list[Socket]:
        """Return people's greeted sockets; the others fetch the list once they are greeted."""
        by_user = self.node.hub.by_user
        found = (socket for user_id in people if user_id in by_user for socket in by_user[user_id])
        return [socket for socket in found if socket.greeted]

    def _list_present(self, room: str) -> list[Listener]:
        found = self.node.hub.rooms.get(room)
        return list(found.members) if found is not None else []

    def _write(self, listeners: Iterable[Listener], data: bytes) -> None:
        for listener in listeners:
            listener.write(data)

    def may_type(self, socket: Socket) -> bool:
        """Return whether a socket may say that its user types, and note it: once every TYPING_SECONDS."""
        now = time.monotonic()
        if now - self._typed.get(socket, 0.0) < TYPING_SECONDS:
            return False
        self._typed[socket] = now
        return True

    def check_soon(self) -> None:
        """See Companion: the connection to Redis is back, and news sent meanwhile is lost."""
        self._behind = True
        self._checks.check_soon()

    def check_rights(self) -> None:
        """See Companion: does nothing, as membership does not depend on roles."""

    def work(self) -> Iterable[Coroutine[Any, Any, Any]]:
        """See Companion."""
        return self._send(), self._checks.run(lambda: CHECK_SECONDS, lambda due: self._check())

    async def _send(self) -> None:
        """Send waiting news to the other nodes until cancelled; after a failure of Redis, send `lost` once it
        takes news again."""
        lost = False
        while True:
            if lost:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_SECONDS):
                        await self._wake.wait()
            else:
                await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            if lost:
                waiting.append(Message(self.number, LOST))
            lost = not await self.node.publisher.publish([(CHANNEL, pack_messages(waiting))])

    async def _check(self) -> None:
        """Evict people from rooms of conversations that they are no longer in.

        If news was lost, reload everybody's conversations, and tell their clients.
        """
        behind, self._behind = self._behind, False
        names = [name for name in self.node.hub.rooms if name.startswith("conversation:")]
        try:
            if names:
                async with self.node.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                    await self.node.guard.clear(conn, names)
            people = self._list_readers() if behind else []
            for at in range(0, len(people), PEOPLE_AT_ONCE):
                await self._load_anew(people[at : at + PEOPLE_AT_ONCE])
        except AppError:
            self._behind = self._behind or behind
            raise

    async def _load_anew(self, people: list[UUID]) -> None:
        """Reload some people's conversations, tell their clients, and pause: each of these fetches a list."""
        async with self.node.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            for user_id in people:
                self.places.clear(user_id)
            await self.places.load(conn, people)
        for user_id in people:
            if user_id not in self.node.hub.by_user:
                self.places.clear(user_id)
        self._resync(people)
        await asyncio.sleep(PAUSE_SECONDS)

    def _list_readers(self) -> list[UUID]:
        """Return the users with a socket here who may read messages."""
        return [
            user_id
            for user_id, sockets in self.node.hub.by_user.items()
            if any(self.node.rooms.has(socket.principal, READ) for socket in sockets)
        ]

    async def drain(self) -> None:
        """See Companion: does nothing, as the sockets are those of rooms."""

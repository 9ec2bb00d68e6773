"""The live half of one web node: its hub, the tasks that feed it, and its messages to other nodes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

import structlog
from aiohttp import web

from nexcorp.background import end_tasks
from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.delivery.kinds import Renderer
from nexcorp.errors import AppError
from nexcorp.realtime import bus, protocol
from nexcorp.realtime.batches import Batches
from nexcorp.realtime.gather import Gathered
from nexcorp.realtime.guard import Guard
from nexcorp.realtime.hub import Hub
from nexcorp.realtime.positions import Positions
from nexcorp.realtime.rooms import RoomKind, Rooms, list_gatherers
from nexcorp.realtime.sharded import make_listener, make_publisher
from nexcorp.realtime.socket import Listener, Socket
from nexcorp.redis_client import Lanes
from nexcorp.security.access import Rights
from nexcorp.security.revocations import Revocations

log = structlog.get_logger("nexcorp.realtime")

TICK_SECONDS = 1.0
REVOCATION_SECONDS = 2.0
MAX_JITTER_SECONDS = 5.0


class Live(Protocol):
    """The part of nexcorp.manifest.Product that a node needs."""

    @property
    def rooms(self) -> Mapping[str, RoomKind]: ...
    @property
    def commands(self) -> Mapping[str, Any]: ...
    @property
    def renderer(self) -> Renderer: ...


class Companion(Protocol):
    """A feature with sockets of its own beside those in rooms: their hub, and the channel between nodes."""

    hub: Hub
    channel: str

    def receive(self, data: bytes) -> None:
        """Take a payload that a node published on the channel."""

    def check_soon(self) -> None:
        """Look for lost messages now."""

    def check_rights(self) -> None:
        """Check the access of all clients now: what users may do has changed."""

    def work(self) -> Iterable[Coroutine[Any, Any, Any]]:
        """Return the tasks to run beside the requests, each until it is cancelled."""

    async def drain(self) -> None:
        """Send every client to another node."""


class Node:
    """The live part of one web process: call `start()` and `stop()` with the application."""

    def __init__(
        self,
        config: Config,
        database: Database,
        revocations: Revocations,
        rights: Rights,
        live: Live,
    ) -> None:
        self.database, self.revocations, self.rights = database, revocations, rights
        self.rooms, self.renderer = Rooms(live.rooms, rights), live.renderer
        self.commands = live.commands
        self.hub, self.batches = Hub(), Batches()
        self.companions: list[Companion] = []
        # Awaited, with a connection and the socket, before `connected` is sent.
        self.welcomes: list[Callable[[Any, Socket], Awaitable[None]]] = []
        self.guard = Guard(database, self.hub, self.rooms)
        self.positions = Positions(database, self.hub, self.renderer, clear=self.guard.clear)
        self.gathered = [
            Gathered(database, self.hub, self.renderer, name, kind.gathering)
            for name, kind in live.rooms.items()
            if kind.gathering is not None
        ]
        lanes = Lanes(config.redis_url, check_seconds=bus.CHECK_SECONDS)
        self.redis, self.publisher = lanes.home, make_publisher(lanes, list_gatherers(live.rooms))
        self.listener = make_listener(
            Lanes(config.redis_url, blocking=True),
            rooms=self.hub.rooms.keys(),
            on_message=self.receive,
            on_revoked=revocations.receive,
            on_connected=self.check_soon,
            on_late=self.positions.note_behind,
        )
        self.hub.on_changed = self.listener.note_changed
        self.draining = False
        self._tasks: set[asyncio.Task[Any]] = set()
        revocations.on_session = self.end_session
        revocations.on_role = self.end_role
        revocations.on_rights = lambda: self.spawn(self.reload_rights())
        revocations.publish = lambda revoked: self.spawn(self.publisher.publish_revoked(revoked))

    @property
    def hubs(self) -> list[Hub]:
        """The hubs of rooms and of all companions."""
        return [self.hub, *(companion.hub for companion in self.companions)]

    def accompany(self, companion: Companion) -> None:
        """Run a companion as long as this node. Call it before start()."""
        self.companions.append(companion)
        self.listener.others[companion.channel] = companion.receive

    def end_session(self, session_id: UUID) -> None:
        """Close the sockets of a session that has ended."""
        for hub in self.hubs:
            hub.close_session(session_id, protocol.SESSION_REVOKED, "session revoked")

    def end_role(self, user_id: UUID, version: int) -> None:
        """Close a user's sockets whose tokens are of an older role version.

        The client may return: a refreshed token with the new role opens the next socket.
        """
        self.hub.close_outdated(user_id, version, protocol.TOKEN_EXPIRED, "role changed")
        for companion in self.companions:
            companion.check_rights()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine beside the requests; it ends with the node."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of this node ended", exc_info=task.exception())

    def receive(self, message: protocol.RoomMessage) -> None:
        """Take a message that a worker pushed."""
        self.guard.receive(message)
        for room in self.gathered:
            room.take(message)

    def check_soon(self) -> None:
        """Look for lost messages now."""
        self.positions.check_soon()
        for room in self.gathered:
            room.check_soon()
        for companion in self.companions:
            companion.check_soon()

    def start(self) -> None:
        """Begin to listen, to check positions, to watch sockets and to learn of ended sessions."""
        for work in (
            self.listener.run(),
            self.guard.run(),
            self.positions.run(),
            self.watch_sockets(),
            self.watch_sessions(),
        ):
            self.spawn(work)
        for room in self.gathered:
            self.spawn(room.run())
        for companion in self.companions:
            for work in companion.work():
                self.spawn(work)

    async def drain(self) -> None:
        """Send every client to another node, spread over a few seconds."""
        self.draining = True
        for socket in list(self.hub.sockets):
            self.send_away(socket)
        await asyncio.gather(*(companion.drain() for companion in self.companions))
        for _ in range(50):
            if not any(hub.sockets for hub in self.hubs):
                return
            await asyncio.sleep(0.1)

    def send_away(self, socket: Socket) -> None:
        """Close with 4001 and a time to wait, so that not all come back at once."""
        wait = random.uniform(0, MAX_JITTER_SECONDS)  # noqa: S311 - spreads load, guards nothing
        socket.close(protocol.GOING_AWAY, f"reconnect in {wait:.1f} s")

    async def stop(self) -> None:
        """End the tasks of start(), and close the connections to Redis."""
        await end_tasks(self._tasks)
        await self.publisher.client.aclose()
        await self.listener.client.aclose()

    async def watch_sockets(self) -> None:
        """Ping sockets, and close those that have expired or fallen silent; until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for socket in [socket for hub in self.hubs for socket in hub.sockets]:
                try:
                    socket.check(now)
                except Exception:
                    log.exception("a socket could not be checked")
                    socket.close(protocol.NO_PONG, "unusable")

    async def watch_sessions(self) -> None:
        """Read ended sessions and changed roles from PostgreSQL: reliable, where Redis is only fast."""
        while True:
            try:
                await self.load_revocations()
            except AppError:
                log.debug("revocations wait for the database")
            except Exception:
                log.exception("revocations could not be read")
            await asyncio.sleep(REVOCATION_SECONDS)

    async def load_revocations(self) -> None:
        """Read recently ended sessions and keys, recently changed roles, and the permissions of all roles."""
        async with self.database.connection(wait=2.0) as conn:
            sessions = await sql.auth.list_revoked_sessions(conn)
            keys = await sql.keys.list_revoked_keys(conn)
            roles = await sql.roles.list_changed_roles(conn)
            rights = await sql.roles.list_role_permissions(conn)
        self.load_rights(rights)
        self.revocations.forget_old()
        self.revocations.add_sessions(row["id"] for row in (*sessions, *keys))
        self.revocations.add_roles((row["id"], row["role_version"]) for row in roles)
        self.revocations.loaded = True

    async def reload_rights(self) -> None:
        """Read the permissions of all roles; if that fails, watch_sessions() does it later."""
        with contextlib.suppress(AppError):
            async with self.database.connection(wait=2.0) as conn:
                self.load_rights(await sql.roles.list_role_permissions(conn))

    def load_rights(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take the permissions of all roles; remove listeners from rooms that they may no longer see."""
        if self.rights.load(rows):
            for companion in self.companions:
                companion.check_rights()
        for room in list(self.hub.rooms.values()):
            for listener in list(room.members):
                self.check_room(listener, room.name)

    def check_room(self, listener: Listener, name: str) -> None:
        """Remove a listener from a room that its role may not see, and tell it so."""
        if not self.rooms.allows(listener.principal, name):
            self.hub.leave(listener, name)
            listener.send("unsubscribed", {"room": name})


NODE = web.AppKey("node", Node)


async def read_place(request: web.Request, conn: Any, room: str) -> dict[str, Any]:
    """Return a room's position, `{epoch, seq}`, for a list that is read after this call. The room's frames
    from there on keep the list complete; some of them repeat what it already shows."""
    node = request.app[NODE]
    row = None if node.rooms.gathers(room) else await sql.realtime.get_room(conn, name=room)
    return {"epoch": node.positions.epoch, "seq": row["last_seq"] if row is not None else 0}

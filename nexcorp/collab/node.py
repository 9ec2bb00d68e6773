"""Collaborative editing in one web process: its open files, their tasks, and messages to other nodes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Coroutine, Iterable
from typing import Any
from uuid import UUID

import structlog
from aiohttp import web

from nexcorp.collab import protocol
from nexcorp.collab.announcing import CHANNEL, Announce, Messenger, unpack_messages
from nexcorp.collab.channel import Channel
from nexcorp.collab.checking import Guard, Positions
from nexcorp.collab.editor import Editor
from nexcorp.collab.memory import give_back_memory
from nexcorp.collab.metrics import EDITORS, FILES
from nexcorp.collab.storing import Log
from nexcorp.db import sql
from nexcorp.errors import AppError
from nexcorp.realtime.hub import Hub
from nexcorp.realtime.node import Node

log = structlog.get_logger("nexcorp.collab")

MAX_SOCKETS_PER_USER = 20
MAX_SOCKETS_PER_FILE = 100
TICK_SECONDS = 1.0
SILENCE_SECONDS = 20.0
EDITORS_SECONDS = 5.0
POOL_WAIT_SECONDS = 2.0
# Sockets are sent away one by one, so that they do not all come back at once.
LEAVE_SECONDS, LONGEST_LEAVE_SECONDS = 0.01, 2.0
STORE_SECONDS = 5.0


class Collab:
    """The companion of a node for files that are edited together."""

    channel = CHANNEL

    def __init__(self, node: Node) -> None:
        self.node, self.database = node, node.database
        # Marks this node's updates in the log; 0 marks those of requests.
        self.number = secrets.randbelow(2**62) + 1
        self.hub = Hub(MAX_SOCKETS_PER_USER)
        self.channels: dict[UUID, Channel] = {}
        self.messenger = Messenger(self.number, node.publisher)
        self.log = Log(self.number, self.database, self.messenger, self.close_idle, self.forget)
        self.positions = Positions(
            self.database,
            self.channels,
            connected=lambda: node.listener.connected,
            get_epoch=lambda: node.positions.epoch,
            forget=self.forget,
        )
        self.guard = Guard(self.database, self.list_editors)
        node.accompany(self)
        node.revocations.on_projects = self.guard.check_projects

    def list_editors(self) -> list[Editor]:
        """Return all editors on this node."""
        return [editor for channel in self.channels.values() for editor in channel.editors]

    def find_channel(self, file_id: UUID, project_id: UUID) -> Channel:
        """Return the channel of a file; a new one if nobody has the file open here."""
        channel = self.channels.get(file_id)
        if channel is None:
            channel = self.channels[file_id] = Channel(
                file_id, project_id, self.number, self.database, self.messenger, self.positions.note_behind
            )
            FILES.inc()
            self.messenger.ask_states(file_id)
        return channel

    def is_full(self, file_id: UUID) -> bool:
        """Whether the file has as many open sockets here as allowed."""
        channel = self.channels.get(file_id)
        open_ones = [] if channel is None else [one for one in channel.editors if not one.socket.closing]
        return len(open_ones) >= MAX_SOCKETS_PER_FILE

    def enter(self, editor: Editor) -> bool:
        """Add an editor to its channel; return False if the file is full."""
        if self.is_full(editor.channel.file_id):
            return False
        editor.channel.editors.add(editor)
        EDITORS.inc()
        return True

    def leave(self, editor: Editor) -> None:
        """Remove an editor that has gone."""
        channel = editor.channel
        if editor not in channel.editors:
            return
        channel.editors.discard(editor)
        EDITORS.dec()
        channel.awareness.leave(editor)
        self.close_idle(channel)

    def close_idle(self, channel: Channel) -> None:
        """Forget a channel without editors and pending work."""
        if channel.idle and self.channels.get(channel.file_id) is channel:
            del self.channels[channel.file_id]
            FILES.dec()
            channel.awareness.flush()
            channel.replica.drop()
            self._freed = True

    def forget(self, channel: Channel, code: int, reason: str) -> None:
        """End a channel whose content here is no longer valid; its sockets are closed."""
        if self.channels.get(channel.file_id) is channel:
            del self.channels[channel.file_id]
            FILES.dec()
        channel.end(code, reason)

    def receive(self, data: bytes) -> None:
        """Take messages that a node published."""
        for message in unpack_messages(data):
            channel = self.channels.get(message.file_id)
            if message.node == self.number or channel is None:
                continue
            if message.first:
                channel.take(message.first, message.parts)
            elif message.parts:
                for body in message.parts:
                    channel.awareness.take_from_node(body)
            else:
                channel.awareness.tell_own()

    def announce(self, announced: Announce) -> None:
        """Show all editors, here and on other nodes, updates that a request has stored."""
        channel = self.channels.get(announced.file_id)
        if channel is not None:
            channel.take(announced.first, list(announced.updates))
        self.messenger.tell_updates(announced.file_id, announced.first, list(announced.updates))

    def check_soon(self) -> None:
        """See Companion."""
        self.positions.check_soon()

    def check_rights(self) -> None:
        """See Companion."""
        self.guard.check_soon()

    def work(self) -> Iterable[Coroutine[Any, Any, Any]]:
        """See Companion."""
        return (
            self.log.run(),
            self.messenger.run(),
            self.positions.run(),
            self.guard.run(),
            self.tidy(),
            self.report(),
        )

    async def drain(self) -> None:
        """Send every editor to another node, one by one, and wait until their updates are stored."""
        sockets = list(self.hub.sockets)
        random.shuffle(sockets)
        pause = min(LEAVE_SECONDS, LONGEST_LEAVE_SECONDS / max(1, len(sockets)))
        for socket in sockets:
            self.node.send_away(socket)
            await asyncio.sleep(pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STORE_SECONDS):
                await self.log.wait_empty()
        await self.messenger.send()
        await self._report([])

    async def tidy(self) -> None:
        """Send keep-alives to quiet sockets, and drop unused documents; until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            freed, self._freed = self._freed, False
            for channel in list(self.channels.values()):
                freed |= channel.tidy(now)
                for editor in channel.editors:
                    if now - editor.socket.last_told > SILENCE_SECONDS:
                        editor.socket.tell(protocol.NO_STATES)
            if freed:
                give_back_memory()

    # Whether memory was freed since tidy() last checked.
    _freed = False

    async def report(self) -> None:
        """Every few seconds, record who edits which file here, and tell other nodes; until cancelled."""
        while True:
            await asyncio.sleep(EDITORS_SECONDS)
            self.tell_states()
            await self._report(self.list_editors())

    def tell_states(self) -> None:
        """Tell other nodes the states of the editors here: earlier messages may have been lost."""
        for channel in self.channels.values():
            channel.awareness.tell_own()

    async def _report(self, editors: Iterable[Editor]) -> None:
        pairs = sorted({(editor.channel.file_id, editor.user_id) for editor in editors})
        file_ids, user_ids = [file_id for file_id, _ in pairs], [user_id for _, user_id in pairs]
        try:
            async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                await sql.collab.write_editors(conn, node=self.number, file_ids=file_ids, user_ids=user_ids)
                if pairs:
                    # Editors also count as present in the sessions that they joined.
                    await sql.sessions.touch_editors(conn, file_ids=file_ids, user_ids=user_ids)
        except AppError:
            log.debug("who edits what waits for the database")
        except Exception:
            log.exception("who edits what could not be written")


COLLAB = web.AppKey("collab", Collab)

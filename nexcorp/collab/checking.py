"""A node's repeated questions to PostgreSQL: were updates missed, and who may still edit."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog

from nexcorp.collab.channel import Channel
from nexcorp.collab.editor import Editor
from nexcorp.collab.protocol import FILE_GONE, NO_MEMBER, SESSION_OVER
from nexcorp.db import Database, sql
from nexcorp.errors import FileNotFound
from nexcorp.realtime.checks import CHECK_SECONDS, Checks
from nexcorp.realtime.protocol import GOING_AWAY
from nexcorp.realtime.socket import Socket

log = structlog.get_logger("nexcorp.collab")

# While Redis is away, other nodes' updates arrive only by this check.
CHECK_SECONDS_ALONE = 1.0
RIGHTS_SECONDS = 2.0
POOL_WAIT_SECONDS = 2.0
FILES_AT_ONCE = 5000
WRITERS = ("owner", "editor")


class Positions:
    """Keeps the files of one node complete.

    `connected` returns whether Redis is connected, `get_epoch` the epoch of the numbers; `forget` ends a
    channel that cannot be brought up to date, with the code and the reason for its editors.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[UUID, Channel],
        *,
        connected: Callable[[], bool],
        get_epoch: Callable[[], str | None],
        forget: Callable[[Channel, int, str], None],
    ) -> None:
        self.database, self.channels = database, channels
        self.connected, self.get_epoch, self.forget = connected, get_epoch, forget
        self.seconds = CHECK_SECONDS
        self._checked_at = -math.inf
        self._epoch: str | None = None
        self._behind: set[Channel] = set()
        self._checks = Checks("check of edited files")

    def note_behind(self, channel: Channel) -> None:
        """Note that a file missed updates: they are read as soon as possible."""
        self._behind.add(channel)
        self._checks.wake()

    def check_soon(self) -> None:
        """Compare every file now: messages may have been lost."""
        self._checked_at = -math.inf
        self._checks.check_soon()

    async def run(self) -> None:
        """Compare every few seconds, and read missing updates; until cancelled."""
        await self._checks.run(lambda: CHECK_SECONDS_ALONE, self._work)

    async def _work(self, due: bool) -> None:
        now = time.monotonic()
        if due and (not self.connected() or now - self._checked_at >= self.seconds):
            await self._check()
            self._checked_at = now
        failed: dict[Channel, Exception] = {}
        while self._behind:
            channel = self._behind.pop()
            try:
                if not (channel.ended or channel in failed):
                    await channel.catch_up()
            except FileNotFound:
                self.forget(channel, FILE_GONE, "the file is gone")
            except Exception as error:
                # Tried again after all others, and after a rest.
                failed[channel] = error
        if failed:
            self._behind.update(failed)
            raise next(iter(failed.values()))

    async def _check(self) -> None:
        channels = list(self.channels.values())
        epoch = self.get_epoch()
        if self._epoch not in (None, epoch):
            # Numbers may have been issued twice: clients that come back bring along what is lost here.
            log.warning("epoch changed: editors are sent away", old=self._epoch, new=epoch)
            for channel in channels:
                self.forget(channel, GOING_AWAY, "epoch changed")
        self._epoch = epoch
        for at in range(0, len(channels), FILES_AT_ONCE):
            await self._compare(channels[at : at + FILES_AT_ONCE])

    async def _compare(self, channels: list[Channel]) -> None:
        asked = {channel: channel.seq for channel in channels if channel.seq is not None}
        if not asked:
            return
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            rows = await sql.collab.read_positions(conn, file_ids=[channel.file_id for channel in asked])
        found = {row["file_id"]: row["last_seq"] for row in rows}
        for channel, before in asked.items():
            last = found.get(channel.file_id)
            if last is None:
                self.forget(channel, FILE_GONE, "the file is gone")
            elif last < before:
                self.forget(channel, GOING_AWAY, "the file was set back")
            elif channel.seq is not None and last > channel.seq:
                self._behind.add(channel)


class Guard:
    """Checks every two seconds which editors on this node may stay, and whether they may write."""

    def __init__(self, database: Database, list_editors: Callable[[], list[Editor]]) -> None:
        self.database, self.list_editors = database, list_editors
        self._projects: set[UUID] = set()
        self._checks = Checks("guard of edited files")

    def check_soon(self) -> None:
        """Check all editors now: what users may do has changed."""
        self._checks.check_soon()

    def check_projects(self, project_ids: Iterable[UUID]) -> None:
        """Check the editors of these projects now: what users may do there has changed."""
        self._projects.update(project_ids)
        self._checks.wake()

    async def run(self) -> None:
        """Check until cancelled."""
        await self._checks.run(lambda: RIGHTS_SECONDS, self._look)

    async def _look(self, due: bool) -> None:
        editors = self._choose(due)
        for at in range(0, len(editors), FILES_AT_ONCE):
            part = editors[at : at + FILES_AT_ONCE]
            async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                rows = await read_rights(conn, [(editor.channel.file_id, editor.socket) for editor in part])
            for editor, row in zip(part, rows, strict=True):
                judge(editor, row)

    def _choose(self, due: bool) -> list[Editor]:
        """Return the editors to check: all if a check is due, else those in projects that changed."""
        projects, self._projects = self._projects, set()
        return [
            editor
            for editor in self.list_editors()
            if not editor.socket.closing and (due or editor.channel.project_id in projects)
        ]


def read_rights(conn: Any, pairs: list[tuple[UUID, Socket]]) -> Awaitable[list[Any]]:
    """Return a row for each pair, in order: what the socket's user may do with the file."""
    return sql.collab.read_rights(
        conn,
        file_ids=[file_id for file_id, _ in pairs],
        user_ids=[socket.user_id for _, socket in pairs],
        session_ids=[socket.principal.session_id for _, socket in pairs],
    )


def may_write(row: Mapping[str, Any]) -> bool:
    """Whether a row of read_rights() allows its user to change the file."""
    return row["role"] in WRITERS and bool(row["writes"])


def judge(editor: Editor, row: Mapping[str, Any]) -> None:
    """Apply a row of read_rights() to an editor: update whether it may write, or close its socket."""
    if not row["alive"]:
        editor.socket.close(SESSION_OVER, "the session is over")
    elif row["kind"] is None:
        editor.socket.close(FILE_GONE, "the file is gone")
    elif row["role"] is None:
        editor.socket.close(NO_MEMBER, "no member any more")
    elif may_write(row) != editor.writes:
        editor.allow(may_write(row))

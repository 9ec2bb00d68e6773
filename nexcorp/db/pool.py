"""Connections to PostgreSQL: a bounded pool, transactions, and effects after a commit."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import structlog

from nexcorp.config import Config
from nexcorp.db.catalog import sql
from nexcorp.db.encoding import decode, encode
from nexcorp.db.lease import POOL_WAIT_SECONDS, Found, Lease, TransactionLease
from nexcorp.db.plans import SETTINGS
from nexcorp.db.shares import Shares
from nexcorp.db.slow import make_slow_log
from nexcorp.errors import AppError, DatabaseUnavailable
from nexcorp.logs import seldom

log = structlog.get_logger("nexcorp.db")

# If a block has ended well within this time, or the first one has begun, PostgreSQL is reachable, even if
# a new connection takes long: a burst after a quiet time opens many at once, and waiting is no overload.
ANSWERED_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 5.0
ONE_PAUSES = (0.1, 0.3, 1.0)
# PostgreSQL ends a transaction that is idle for this long, and frees its locks.
IDLE_SECONDS = 30
COMMAND_TIMEOUT_SECONDS = 15.0
# If PostgreSQL refuses a connection for lack of slots, ask again only after this time: each refusal costs it
# a process.
CROWD_SECONDS = 5.0
REMEDY = "run `nexcorp migrate up` as its owner, or see docs/operations.md"


class Connection(asyncpg.Connection):
    """A connection that remembers the effects to perform after the commit."""

    __slots__ = ("effects", "settings")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.effects: list[Any] = []
        # Settings that the next transaction makes for itself; see Database.transaction().
        self.settings = ""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """See asyncpg. BEGIN carries the settings of its transaction, which saves a round trip."""
        if self.settings and query.startswith("BEGIN"):
            query += self.settings
        return await super().execute(query, *args, timeout=timeout)

    def get_reset_query(self) -> str:
        """Return nothing: the service sets no session state, and the default costs a round trip a request."""
        return ""

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Do nothing unless a transaction was left open: the default would set a timer."""
        if self.is_in_transaction() or self._top_xact is not None:
            await super().reset(timeout=timeout)

    def unwrap(self) -> Connection:
        """Return the connection itself, when called on asyncpg's wrapper."""
        return self

    def after(self, effect: Any) -> None:
        """Perform `effect` (nexcorp.delivery.effects) after the commit, once even if requested several times.

        It is dropped if the block of connection() or transaction() ends with an error, but not if only a
        savepoint inside the block is rolled back.
        """
        if effect not in self.effects:
            self.effects.append(effect)


async def set_codecs(conn: asyncpg.Connection) -> None:
    """Send and read jsonb in binary by msgspec; return json as the bytes that PostgreSQL wrote."""
    await conn.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + encode(value),
        decoder=lambda data: decode(memoryview(data)[1:]),
    )
    await conn.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=encode, decoder=msgspec.Raw
    )


class Database:
    """The pool of one process.

    `perform` is called with each effect given to Connection.after(), after the commit and in order; if it
    returns an awaitable, that is awaited before the block of connection() or transaction() is left.
    """

    def __init__(
        self,
        config: Config,
        *,
        application: str = "nexcorp",
        idle_seconds: int = IDLE_SECONDS,
        statement_seconds: float = COMMAND_TIMEOUT_SECONDS,
    ) -> None:
        self.config = config
        self.application, self.idle_seconds = application, idle_seconds
        self.statement_seconds = statement_seconds
        self.perform: Callable[[Any], Awaitable[None] | None] = lambda effect: None
        # Called after every statement of every connection; see asyncpg's add_query_logger().
        self.watchers: list[Callable[[Any], None]] = []
        if config.slow_statement_ms:
            self.watchers.append(make_slow_log(config.slow_statement_ms))
        self._pool: asyncpg.Pool | None = None
        # Blocks that hold a connection, and blocks that wait for one.
        self.leased = self.waiting = 0
        self.shares = Shares(config.database_pool[1])
        # Connections between two blocks: at most the pool's minimum size.
        self.spare: list[Found] = []
        self.most_spare = config.database_pool[0]
        # When a block last ended well, and when the first one began after a pause, of time.monotonic(). It is
        # not moved while PostgreSQL owes an answer: after a failure only an answer ends the silence.
        self.answered_at = self.asked_since = -math.inf
        # Until when PostgreSQL is assumed to refuse more connections; and the blocks waiting for another's.
        self.crowded_until = -math.inf
        self.crowd: deque[asyncio.Future[None]] = deque()

    async def open(self) -> None:
        """Connect; raises asyncpg's errors if PostgreSQL cannot be reached.

        If PostgreSQL grants fewer connections than the pool's minimum, the pool begins with one.
        """
        try:
            await self._connect(self.config.database_pool[0])
        except asyncpg.TooManyConnectionsError as error:
            await self._connect_one()
            self.note_crowd(error)
        try:
            async with self.connection(wait=5.0) as conn:
                for name, value in SETTINGS.items():
                    if await sql.service.get_setting(conn, name=name) != value:
                        wanted = f"{name} = {value}"
                        log.warning("PostgreSQL does more than it has to", wanted=wanted, remedy=REMEDY)
        except BaseException:
            # The next attempt makes a new pool, which must not use this pool's connections.
            self.spare.clear()
            self.pool.terminate()
            self._pool = None
            raise

    async def _connect_one(self) -> None:
        """Open the pool with one connection; PostgreSQL takes a moment to end those just granted."""
        for pause in ONE_PAUSES:
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                await self._connect(1)
                return
            await asyncio.sleep(pause)
        await self._connect(1)

    async def _connect(self, least: int) -> None:
        most = self.config.database_pool[1]
        self._pool = await asyncpg.create_pool(
            self.config.database_url,
            min_size=least,
            max_size=most,
            init=self._set_up,
            connection_class=Connection,
            statement_cache_size=self.config.statement_cache,
            max_cached_statement_lifetime=0,
            command_timeout=self.statement_seconds,
            timeout=5.0,
            # Only a name: a pooler in between drops or refuses other settings of a session.
            server_settings={"application_name": self.application},
        )

    async def _set_up(self, conn: asyncpg.Connection) -> None:
        await set_codecs(conn)
        for watcher in self.watchers:
            conn.add_query_logger(watcher)

    async def open_patiently(self) -> None:
        """Connect; retry until it works, and log the failures now and then."""
        backoff = 0.2
        while True:
            try:
                await self.open()
                return
            except Exception as error:
                if seldom("open"):
                    log.error("PostgreSQL is not reachable, trying again", error=str(error))
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)

    async def await_migrations(self) -> None:
        """Wait until the database is migrated, and log that now and then."""
        while True:
            try:
                async with self.connection(wait=5.0) as conn:
                    if await sql.service.is_migrated(conn):
                        return
                if seldom("unmigrated"):
                    log.error("the database is not migrated: run `nexcorp migrate up`")
            except AppError as error:
                log.debug("migrations cannot be looked for", reason=error.code)
            await asyncio.sleep(1)

    async def close(self) -> None:
        """Close the pool; cut off statements that still run after 5 seconds."""
        if self._pool is None:
            return
        self.most_spare = 0
        while self.spare:
            await self._pool.release(self.spare.pop().wrapper)
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except TimeoutError:
            self._pool.terminate()

    def abandon(self) -> None:
        """Close at once; running statements fail as on a lost connection."""
        self.most_spare = 0
        self.spare.clear()
        if self._pool is not None:
            self._pool.terminate()

    @property
    def pool(self) -> asyncpg.Pool:
        """The open pool; raises DatabaseUnavailable before open() has succeeded."""
        if self._pool is None:
            raise DatabaseUnavailable()
        return self._pool

    def answers(self) -> bool:
        """Return whether a block has ended well, or the first one begun, within ANSWERED_SECONDS."""
        return time.monotonic() - max(self.answered_at, self.asked_since) < ANSWERED_SECONDS

    def crowded(self) -> bool:
        """Return whether PostgreSQL refused a connection within CROWD_SECONDS because there were too many."""
        return time.monotonic() < self.crowded_until

    def note_crowd(self, error: asyncpg.TooManyConnectionsError) -> None:
        """Use only the existing connections for CROWD_SECONDS."""
        if not self.crowded():
            log.warning("PostgreSQL grants no more connections", error=str(error), **self.stats())
        self.crowded_until = time.monotonic() + CROWD_SECONDS

    def call_next(self) -> None:
        """Wake the next block that waits for another's connection: one has been given back."""
        while self.crowd:
            released = self.crowd.popleft()
            if not released.done():
                released.set_result(None)
                return

    def stats(self) -> dict[str, int]:
        """Return the counts of this process's connections: {"size", "idle", "max"}."""
        if self._pool is None:
            return {"size": 0, "idle": 0, "max": 0}
        pool, spare = self._pool, sum(not found.conn.is_closed() for found in self.spare)
        return {"size": pool.get_size(), "idle": pool.get_idle_size() + spare, "max": pool.get_max_size()}

    def connection(self, *, wait: float = POOL_WAIT_SECONDS) -> Lease:
        """Lease a connection in autocommit: `async with database.connection() as conn`.

        Raises Unavailable: "overloaded" if no connection is free within `wait` seconds, "timeout" if a
        statement takes too long, and "database_unavailable" if PostgreSQL is gone.
        """
        return Lease(self, wait)

    def transaction(
        self,
        *,
        wait: float = POOL_WAIT_SECONDS,
        isolation: str | None = None,
        readonly: bool = False,
        lock_seconds: float | None = None,
        by_index: bool = False,
    ) -> Lease:
        """Lease a connection inside a transaction, which commits on leaving and rolls back on an exception.

        PostgreSQL ends a transaction that is idle for `idle_seconds`. With `lock_seconds` a statement that
        waits longer for a lock raises asyncpg's LockNotAvailableError. Raises what connection() raises.
        `by_index`: for statements on a queue. Planned while the queue is empty, they would scan all of it for
        each row, and keep that plan when it is long.
        """
        settings = f" SET LOCAL idle_in_transaction_session_timeout = '{self.idle_seconds}s';"
        if lock_seconds is not None:
            settings += f" SET LOCAL lock_timeout = {round(lock_seconds * 1000)};"
        if by_index:
            settings += " SET LOCAL enable_seqscan = off;"
        return TransactionLease(self, wait, isolation, readonly, settings)

    async def run_effects(self, effects: list[Any]) -> None:
        """Perform effects. A failure is only logged: the caller's work is already committed."""
        for effect in effects:
            try:
                waiting = self.perform(effect)
                if waiting is not None:
                    await waiting
            except Exception:
                log.exception("what follows a commit failed", effect=type(effect).__name__)

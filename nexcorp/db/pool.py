"""Connections to PostgreSQL: a bounded pool, transactions, and what happens after a commit."""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import structlog

from nexcorp.config import Config
from nexcorp.db.encoding import decode, encode
from nexcorp.errors import DatabaseUnavailable, Overloaded, TimedOut, Unavailable

log = structlog.get_logger("nexcorp.db")

POOL_WAIT_SECONDS = 0.25
RELEASE_SECONDS = 2.0
# PostgreSQL that answered so recently is there, if slow to let in one more connection: a burst after a quiet
# time makes many at once, and waiting for one is no sign of too much work.
ANSWERED_SECONDS = 1.0
CONNECT_SECONDS = 2.0
MAX_BACKOFF_SECONDS = 5.0
# A transaction that does nothing for so long is cut off, with its locks.
IDLE_SECONDS = 30
COMMAND_TIMEOUT_SECONDS = 15.0

# What asyncpg and the sockets below it raise when PostgreSQL is not there (any more).
DISCONNECTED = (
    OSError,
    ssl.SSLError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
)


class Connection(asyncpg.Connection):
    """A connection that remembers what is to be done after the commit."""

    __slots__ = ("effects",)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.effects: list[Any] = []

    def get_reset_query(self) -> str:
        """Nothing: the service sets no session state, and the default costs a round trip a request."""
        return ""

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Nothing again, unless a transaction was left open: the default sets up a timer for it."""
        if self.is_in_transaction() or self._top_xact is not None:
            await super().reset(timeout=timeout)

    def after(self, effect: Any) -> None:
        """Have `effect` (nexcorp.delivery.effects) done after the commit, once however often you ask.

        It is dropped where the block of connection() or transaction() ends with an error, but not
        where only a savepoint inside it is rolled back.
        """
        if effect not in self.effects:
            self.effects.append(effect)


async def set_codecs(conn: asyncpg.Connection) -> None:
    """jsonb travels in binary through msgspec; json is passed on as the bytes PostgreSQL wrote."""
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


def is_gone(conn: Any) -> bool:
    """Whether a pool's connection was lost, also where the pool has taken it back for that."""
    try:
        closed: bool = conn.is_closed()
    except asyncpg.InterfaceError:
        return True
    return closed


class Database:
    """The pool of one process.

    `perform` is called with each effect that Connection.after() was given, after the commit and in order;
    what it returns, if anything, is awaited before the block of connection() or transaction() is left.
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
        self._pool: asyncpg.Pool | None = None
        self.leased = 0
        # When PostgreSQL last did what it was asked, of time.monotonic().
        self.answered_at = -math.inf

    async def open(self) -> None:
        """Connect; raises what asyncpg raises when PostgreSQL is not there."""
        least, most = self.config.database_pool
        self._pool = await asyncpg.create_pool(
            self.config.database_url,
            min_size=least,
            max_size=most,
            init=set_codecs,
            connection_class=Connection,
            statement_cache_size=self.config.statement_cache,
            max_cached_statement_lifetime=0,
            command_timeout=self.statement_seconds,
            timeout=5.0,
            server_settings={
                "application_name": self.application,
                # Statements are short and keyed: compiling them costs more than it saves.
                "jit": "off",
                # Searches for people forgive a slip in a short name; PostgreSQL's own 0.6 does not.
                "pg_trgm.word_similarity_threshold": "0.4",
                "timezone": "UTC",
                "idle_in_transaction_session_timeout": f"{self.idle_seconds}s",
            },
        )

    async def open_patiently(self) -> None:
        """Connect, however long that takes; each failure is one line in the log."""
        backoff = 0.2
        while True:
            try:
                await self.open()
                return
            except Exception as error:
                log.error("PostgreSQL is not reachable, trying again", error=str(error), seconds=backoff)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)

    async def close(self) -> None:
        """Give running statements 5 seconds, then cut them off."""
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except TimeoutError:
            self._pool.terminate()

    @property
    def pool(self) -> asyncpg.Pool:
        """The open pool; raises Unavailable before open() has succeeded."""
        if self._pool is None:
            raise DatabaseUnavailable()
        return self._pool

    def answers(self) -> bool:
        """Whether PostgreSQL has just done what it was asked."""
        return time.monotonic() - self.answered_at < ANSWERED_SECONDS

    def stats(self) -> dict[str, int]:
        """Connections of this process: {"size", "idle", "max"}."""
        if self._pool is None:
            return {"size": 0, "idle": 0, "max": 0}
        pool = self._pool
        return {"size": pool.get_size(), "idle": pool.get_idle_size(), "max": pool.get_max_size()}

    def connection(self, *, wait: float = POOL_WAIT_SECONDS) -> Lease:
        """A connection in autocommit: `async with database.connection() as conn`.

        Raises Unavailable: "overloaded" when none is free within `wait` seconds, "timeout" when a
        statement takes too long, and "database_unavailable" when PostgreSQL is gone.
        """
        return Lease(self, wait)

    def transaction(
        self, *, wait: float = POOL_WAIT_SECONDS, isolation: str | None = None, readonly: bool = False
    ) -> Lease:
        """A connection inside a transaction: commits on leaving, rolls back on an exception.

        Raises what connection() raises.
        """
        return TransactionLease(self, wait, isolation, readonly)

    async def run_effects(self, effects: list[Any]) -> None:
        """Perform what was asked for. A failure is logged: the caller's work is committed by now."""
        for effect in effects:
            try:
                waiting = self.perform(effect)
                if waiting is not None:
                    await waiting
            except Exception:
                log.exception("what follows a commit failed", effect=type(effect).__name__)


class Lease:
    """A connection for the length of a block. A class costs every request half of what a generator does."""

    __slots__ = ("_conn", "_database", "_effects", "_pool", "_wait")

    def __init__(self, database: Database, wait: float) -> None:
        self._database, self._pool, self._wait = database, database.pool, wait
        self._conn: Any = None

    async def __aenter__(self) -> Any:
        pool, database = self._pool, self._database
        # A wait with a limit costs a timer; where a connection lies ready there is nothing to wait for.
        ready = database.leased < pool.get_size()
        wait = None
        if not ready:
            grows = pool.get_size() < pool.get_max_size() and database.answers()
            wait = max(self._wait, CONNECT_SECONDS) if grows else self._wait
        try:
            self._conn = conn = await pool.acquire(timeout=wait)
        except TimeoutError:
            full = pool.get_idle_size() == 0 and pool.get_size() >= pool.get_max_size()
            if full or database.answers():
                raise Overloaded() from None
            raise gone() from None
        except DISCONNECTED as error:
            raise gone() from error
        database.leased += 1
        # The connection's own list: what is lent cannot be asked any more once its connection is lost.
        self._effects: list[Any] = conn.effects
        return conn

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        conn, database, asked = self._conn, self._database, self._effects
        effects = None
        if asked:
            effects = asked.copy() if error is None else None
            asked.clear()
        if error is None:
            database.answered_at = time.monotonic()
            answer = None
        else:
            answer = explain(conn, error)
        if isinstance(error, asyncpg.InternalClientError) and not is_gone(conn):
            # PostgreSQL has said goodbye on it, but its socket is still open: not to be lent again.
            conn.terminate()
        try:
            # Where a statement cannot be cancelled in time, asyncpg closes the connection and raises this:
            # no reason to forget why we leave, which may be that this task was cancelled. Without a limit
            # it would take acquire's, which may be none, and a hanging PostgreSQL would keep us here.
            with contextlib.suppress(TimeoutError):
                await self._pool.release(conn, timeout=RELEASE_SECONDS)
        finally:
            database.leased -= 1
            # Also where this task was cancelled meanwhile: it is committed.
            if effects:
                await database.run_effects(effects)
        if answer is not None:
            raise answer from error


class TransactionLease(Lease):
    """A connection inside a transaction, for the length of a block."""

    __slots__ = ("_isolation", "_readonly", "_transaction")

    def __init__(self, database: Database, wait: float, isolation: str | None, readonly: bool) -> None:
        super().__init__(database, wait)
        self._isolation, self._readonly = isolation, readonly

    async def __aenter__(self) -> Any:
        conn = await super().__aenter__()
        try:
            self._transaction = conn.transaction(isolation=self._isolation, readonly=self._readonly)
            await self._transaction.__aenter__()
        except BaseException as error:
            await super().__aexit__(type(error), error, error.__traceback__)
            raise
        return conn

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            await self._transaction.__aexit__(kind, error, trace)
        except BaseException as failed:
            await super().__aexit__(type(failed), failed, failed.__traceback__)
            raise
        await super().__aexit__(kind, error, trace)


def gone() -> Unavailable:
    """The answer where PostgreSQL cannot be reached."""
    return DatabaseUnavailable()


def explain(conn: Any, error: BaseException) -> Unavailable | None:
    """What an error inside a lease says of PostgreSQL; None where it is not about that."""
    if isinstance(error, TimeoutError):
        # An OSError as well, but PostgreSQL is there: a statement took too long.
        return TimedOut()
    if isinstance(error, asyncpg.InterfaceError) and not isinstance(error, asyncpg.InternalClientError):
        # Also raised for a wrong call of asyncpg, which must stay a visible bug.
        return gone() if is_gone(conn) else None
    return gone() if isinstance(error, (*DISCONNECTED, asyncpg.InternalClientError)) else None

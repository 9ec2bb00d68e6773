"""Connections to PostgreSQL: a bounded pool, transactions, and what happens after a commit."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
import structlog

from nexcorp.config import Config
from nexcorp.db.encoding import decode, encode
from nexcorp.errors import Unavailable

log = structlog.get_logger("nexcorp.db")

POOL_WAIT_SECONDS = 0.25
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
    """A connection that remembers whether its transaction put something in the outbox."""

    __slots__ = ("_outbox_touched",)

    def get_reset_query(self) -> str:
        """Nothing: the service sets no session state, and the default costs a round trip a request."""
        return ""

    def touch_outbox(self) -> None:
        """Ask for a wake of the workers once the current transaction has committed."""
        self._outbox_touched = True

    def take_outbox_touch(self) -> bool:
        """Whether a wake was asked for since the last call."""
        touched = getattr(self, "_outbox_touched", False)
        self._outbox_touched = False
        return touched


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
    """The pool of one process. `on_outbox` is called, without arguments, after commits that emitted."""

    def __init__(
        self, config: Config, *, application: str = "nexcorp", idle_seconds: int = IDLE_SECONDS
    ) -> None:
        self.config = config
        self.application, self.idle_seconds = application, idle_seconds
        self.on_outbox: Callable[[], None] = lambda: None
        self._pool: asyncpg.Pool | None = None

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
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            timeout=5.0,
            server_settings={
                "application_name": self.application,
                # Statements are short and keyed: compiling them costs more than it saves.
                "jit": "off",
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
            raise Unavailable("database_unavailable", "The database is not reachable.")
        return self._pool

    def stats(self) -> dict[str, int]:
        """Connections of this process: {"size", "idle", "max"}."""
        if self._pool is None:
            return {"size": 0, "idle": 0, "max": 0}
        pool = self._pool
        return {"size": pool.get_size(), "idle": pool.get_idle_size(), "max": pool.get_max_size()}

    @asynccontextmanager
    async def connection(self, *, wait: float = POOL_WAIT_SECONDS) -> AsyncIterator[Any]:
        """A connection in autocommit, for reads.

        Raises Unavailable("overloaded") when none is free within `wait` seconds, and
        Unavailable("database_unavailable") when PostgreSQL is gone.
        """
        pool = self.pool
        try:
            conn = await pool.acquire(timeout=wait)
        except TimeoutError:
            if pool.get_idle_size() == 0 and pool.get_size() >= pool.get_max_size():
                raise Unavailable("overloaded", "The service is busy; try again shortly.") from None
            raise Unavailable("database_unavailable", "The database is not reachable.") from None
        except DISCONNECTED as error:
            raise Unavailable("database_unavailable", "The database is not reachable.") from error
        try:
            yield conn
        except TimeoutError as error:
            # An OSError as well, but PostgreSQL is there: a statement took too long.
            raise Unavailable("timeout", "It took too long; try again.") from error
        except DISCONNECTED as error:
            raise Unavailable("database_unavailable", "The database is not reachable.") from error
        except asyncpg.InternalClientError as error:
            # PostgreSQL has said goodbye on it, but its socket is still open: not to be lent again.
            if not is_gone(conn):
                conn.terminate()
            raise Unavailable("database_unavailable", "The database is not reachable.") from error
        except asyncpg.InterfaceError as error:
            # Also raised for a wrong call of asyncpg, which must stay a visible bug.
            if not is_gone(conn):
                raise
            raise Unavailable("database_unavailable", "The database is not reachable.") from error
        finally:
            # Where a statement cannot be cancelled in time, asyncpg closes the connection and raises this:
            # no reason to forget why we leave, which may be that this task was cancelled.
            with contextlib.suppress(TimeoutError):
                await pool.release(conn)

    @asynccontextmanager
    async def transaction(
        self, *, wait: float = POOL_WAIT_SECONDS, isolation: str | None = None, readonly: bool = False
    ) -> AsyncIterator[Any]:
        """A connection inside a transaction: commits on leaving, rolls back on an exception."""
        async with self.connection(wait=wait) as conn:
            conn.take_outbox_touch()
            async with conn.transaction(isolation=isolation, readonly=readonly):
                yield conn
            touched = conn.take_outbox_touch()
        if touched:
            self.on_outbox()

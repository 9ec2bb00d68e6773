"""The lease of a connection for a block: taking, releasing, and translating its errors."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from nexcorp.context import current
from nexcorp.errors import DatabaseExhausted, DatabaseUnavailable, Overloaded, TimedOut, Unavailable

if TYPE_CHECKING:
    from nexcorp.db.pool import Database

POOL_WAIT_SECONDS = 0.25
RELEASE_SECONDS = 2.0
CONNECT_SECONDS = 2.0
# For this long a connection goes from block to block without the pool, whose way costs more than a short
# statement. Then it returns to the pool, which renews connections and closes those that are not needed.
SPARE_SECONDS = 1.0
# A block that waits for another block's connection checks the pool this often, too.
ASK_AGAIN_SECONDS = 0.25
# A full disk takes a while to be emptied.
EXHAUSTED_SECONDS = 30

# Errors of asyncpg and the sockets below it when PostgreSQL is gone or unreachable.
DISCONNECTED = (
    OSError,
    ssl.SSLError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
)


class Found(NamedTuple):
    """A connection, asyncpg's wrapper around it, and the time.monotonic() at which the pool gave it."""

    conn: Any
    wrapper: Any
    since: float


class Ended:
    """Replaces the connection in a Lent whose block has ended."""

    def __getattr__(self, name: str) -> Any:
        raise asyncpg.InterfaceError(f"{name}: the block of this connection has ended")


ENDED = Ended()


class Lent:
    """The connection as a block sees it: offers all that Connection does, until the block ends.

    asyncpg's own wrapper would cost each statement ten times as much.
    """

    __slots__ = ("_conn", "_seconds")

    def __init__(self, conn: Any, seconds: float | None) -> None:
        # The time limit of a statement in seconds; None for the pool's.
        self._conn, self._seconds = conn, seconds

    def fetch(self, *values: Any) -> Awaitable[Any]:
        """See asyncpg."""
        answer: Awaitable[Any] = self._conn.fetch(*values, timeout=self._seconds)
        return answer

    def fetchrow(self, *values: Any) -> Awaitable[Any]:
        """See asyncpg."""
        answer: Awaitable[Any] = self._conn.fetchrow(*values, timeout=self._seconds)
        return answer

    def fetchval(self, *values: Any) -> Awaitable[Any]:
        """See asyncpg."""
        answer: Awaitable[Any] = self._conn.fetchval(*values, timeout=self._seconds)
        return answer

    def execute(self, *values: Any) -> Awaitable[Any]:
        """See asyncpg."""
        answer: Awaitable[Any] = self._conn.execute(*values, timeout=self._seconds)
        return answer

    def after(self, effect: Any) -> None:
        """See Connection."""
        self._conn.after(effect)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)


class Lease:
    """A lease of a connection for one block. As a class it costs half of what a generator does."""

    __slots__ = ("_database", "_found", "_lent", "_pool", "_shares", "_wait")

    def __init__(self, database: Database, wait: float) -> None:
        self._database, self._pool, self._wait = database, database.pool, wait

    async def __aenter__(self) -> Any:
        database, context = self._database, current.get()
        self._shares = await database.shares.take(context) if context is not None else ()
        if not database.leased and not database.waiting and database.answered_at >= database.asked_since:
            database.asked_since = time.monotonic()
        spare = database.spare
        while spare:
            found = spare.pop()
            if not found.conn.is_closed():
                break
        else:
            try:
                wrapper = await self._ask_pool()
            except BaseException:
                database.shares.give_back(self._shares)
                raise
            found = Found(wrapper.unwrap(), wrapper, time.monotonic())
        database.leased += 1
        self._found = found
        self._lent = Lent(found.conn, context.statement_limit() if context is not None else None)
        return self._lent

    async def _ask_pool(self) -> Any:
        pool, database = self._pool, self._database
        # A limited wait costs a timer, which is not needed while a connection is ready.
        ready = database.leased + database.waiting < pool.get_size()
        wait = None
        if not ready:
            grows = pool.get_size() < pool.get_max_size() and database.answers() and not database.crowded()
            wait = max(self._wait, CONNECT_SECONDS) if grows else self._wait
        database.waiting += 1
        try:
            if ready or not database.crowded():
                try:
                    return await pool.acquire(timeout=wait)
                except asyncpg.TooManyConnectionsError as error:
                    database.note_crowd(error)
            return await self._await_release()
        except TimeoutError:
            full = pool.get_idle_size() == 0 and pool.get_size() >= pool.get_max_size()
            if full or database.answers() or database.crowded():
                raise Overloaded() from None
            raise gone() from None
        except (*DISCONNECTED, asyncpg.PostgresError) as error:
            # Any error of a server that lets nobody in: shutting down, wrong password, no such database.
            raise gone() from error
        finally:
            database.waiting -= 1

    async def _await_release(self) -> Any:
        """Wait for a connection that another block gives back; raises TimeoutError."""
        pool, crowd = self._pool, self._database.crowd
        async with asyncio.timeout(self._wait):
            while True:
                if pool.get_idle_size() or not pool.get_size():
                    with contextlib.suppress(asyncpg.TooManyConnectionsError):
                        return await pool.acquire()
                released = asyncio.get_running_loop().create_future()
                crowd.append(released)
                await asyncio.wait({released}, timeout=ASK_AGAIN_SECONDS)
                released.cancel()

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        database, conn = self._database, self._found.conn
        asked = conn.effects
        self._lent._conn = ENDED
        effects = answer = None
        if error is None:
            database.answered_at = time.monotonic()
            effects = asked.copy() if asked else None
        else:
            answer = explain(conn, error)
            if (isinstance(error, asyncpg.InternalClientError) or was_cut(error)) and not conn.is_closed():
                # PostgreSQL has closed it, or asyncpg has not noticed yet that it is cut: it must not be lent
                # again.
                conn.terminate()
        asked.clear()
        try:
            if error is not None or not self._keep_spare():
                # If a statement cannot be cancelled in time, asyncpg closes the connection and raises
                # TimeoutError; that must not hide the original error, which may be the cancellation of this
                # task. Without a limit it would use that of acquire(), which may be None, and a hanging
                # PostgreSQL would block us.
                with contextlib.suppress(TimeoutError):
                    await self._pool.release(self._found.wrapper, timeout=RELEASE_SECONDS)
        finally:
            database.leased -= 1
            if database.crowd:
                database.call_next()
            database.shares.give_back(self._shares)
            # Run even if this task was cancelled meanwhile: the changes are committed.
            if effects:
                await database.run_effects(effects)
        if answer is not None:
            raise answer from error

    def _keep_spare(self) -> bool:
        """Keep a healthy connection for the next block, unless a block waits at the pool; return if kept."""
        found, database = self._found, self._database
        if (
            database.waiting
            or len(database.spare) >= database.most_spare
            or database.answered_at - found.since > SPARE_SECONDS
            or found.conn.is_closed()
            or found.conn.is_in_transaction()
        ):
            return False
        database.spare.append(found)
        return True


class TransactionLease(Lease):
    """A lease of a connection inside a transaction for one block."""

    __slots__ = ("_isolation", "_readonly", "_settings", "_transaction")

    def __init__(
        self, database: Database, wait: float, isolation: str | None, readonly: bool, settings: str
    ) -> None:
        super().__init__(database, wait)
        self._isolation, self._readonly, self._settings = isolation, readonly, settings

    async def __aenter__(self) -> Any:
        conn = await super().__aenter__()
        try:
            self._found.conn.settings = self._settings
            self._transaction = conn.transaction(isolation=self._isolation, readonly=self._readonly)
            await self._transaction.__aenter__()
        except BaseException as error:
            await super().__aexit__(type(error), error, error.__traceback__)
            raise
        return conn

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        # Before the COMMIT: if its answer is lost, it may have been executed.
        if error is None and (context := current.get()) is not None:
            context.committed = True
        try:
            await self._transaction.__aexit__(kind, error, trace)
        except BaseException as failed:
            await super().__aexit__(type(failed), failed, failed.__traceback__)
            raise
        await super().__aexit__(kind, error, trace)


def gone() -> Unavailable:
    """Return the error for a PostgreSQL that cannot be reached."""
    return DatabaseUnavailable()


def explain(conn: Any, error: BaseException) -> Unavailable | None:
    """Translate an error raised inside a lease; return None if it does not concern PostgreSQL's state."""
    if isinstance(error, TimeoutError):
        # It is also an OSError, but PostgreSQL is reachable: a statement took too long.
        return TimedOut()
    if isinstance(error, asyncpg.InsufficientResourcesError):
        return DatabaseExhausted(retry_after=EXHAUSTED_SECONDS)
    if isinstance(error, asyncpg.InterfaceError) and not isinstance(error, asyncpg.InternalClientError):
        # asyncpg also raises it for wrong calls, which must stay visible as bugs.
        return gone() if conn.is_closed() else None
    return (
        gone() if isinstance(error, (*DISCONNECTED, asyncpg.InternalClientError)) or was_cut(error) else None
    )


def was_cut(error: BaseException) -> bool:
    """Return whether this is uvloop's error for a write to a connection that was cut a moment ago."""
    return type(error) is RuntimeError and "Transport closed=True" in str(error)

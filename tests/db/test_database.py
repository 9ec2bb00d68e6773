"""The pool and its transactions against a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.db.encoding import encode, format_time
from nexcorp.delivery.effects import WAKE, Forget, Job, Wake
from nexcorp.errors import AppError, DatabaseUnavailable, NotFound, Unavailable, on_constraint
from tests.conftest import wait_until


def test_times_are_utc_with_six_digits() -> None:
    whole = datetime(2026, 1, 31, 10, 0, 0, tzinfo=UTC)
    assert format_time(whole) == "2026-01-31T10:00:00.000000Z"
    assert format_time(whole + timedelta(microseconds=5)) == "2026-01-31T10:00:00.000005Z"
    east = timezone(timedelta(hours=5, minutes=30))
    assert format_time(whole.astimezone(east)) == "2026-01-31T10:00:00.000000Z"


async def test_a_row_is_the_answer(database: Database) -> None:
    async with database.connection() as conn:
        row = await conn.fetchrow(
            """
            SELECT
                '2026-01-31 10:00+00'::timestamptz AS whole,
                '2026-01-31 11:00:00.5+01'::timestamptz AS half,
                NULL::timestamptz AS never,
                '00000000-0000-7000-8000-000000000001'::uuid AS id,
                json_build_object('b', 1, 'a', NULL) AS raw,
                true AS flag,
                7 AS "_inside"
            """
        )
    assert encode({"data": [row]}) == (
        b'{"data":[{"whole":"2026-01-31T10:00:00.000000Z","half":"2026-01-31T10:00:00.500000Z","never":null,'
        b'"id":"00000000-0000-7000-8000-000000000001","raw":{"b" : 1, "a" : null},"flag":true}]}'
    )


async def test_jsonb_comes_back_as_it_went(database: Database) -> None:
    values: list[Any] = [
        {"text": 'Ünïcode 🫖 " \\ \n', "deep": [{"a": [1, 2.5, -3, None, True]}], "": ""},
        [],
        {},
        None,
        "text",
        0,
        2**53,
        False,
    ]
    async with database.connection() as conn:
        for value in values:
            assert await conn.fetchval("SELECT $1::jsonb", value) == value
        assert await conn.fetchval("SELECT NULL::jsonb") is None
        assert await conn.fetchval("SELECT $1::jsonb ->> 'a'", {"a": "b"}) == "b"
        moment, some_id = datetime(2026, 1, 31, 10, 0, 0, 5, tzinfo=UTC), uuid4()
        stored = await conn.fetchval("SELECT $1::jsonb", {"at": moment, "id": some_id})
        assert stored == {"at": "2026-01-31T10:00:00.000005Z", "id": str(some_id)}


async def test_a_statement_is_seen_by_its_name_while_it_runs(database: Database) -> None:
    async with database.connection() as holder, database.connection() as watcher:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")

        async def run() -> Any:
            async with database.connection() as conn:
                return await sql.posts.get_post(conn, post_id=uuid4(), viewer_id=uuid4())

        async def seen() -> Any:
            return await watcher.fetchval(
                """
                SELECT query FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """
            )

        running = asyncio.create_task(run())
        query = await wait_until(seen)
        await transaction.rollback()
        assert await running is None
    assert query.startswith("/* posts.get_post */")


async def test_a_transaction_is_whole_or_nothing(database: Database) -> None:
    for fails in (True, False):
        with contextlib.suppress(LookupError):
            async with database.transaction() as conn:
                await conn.execute("INSERT INTO rooms (name) VALUES ('x')")
                if fails:
                    raise LookupError
        async with database.connection() as conn:
            assert await conn.fetchval("SELECT count(*) FROM rooms") == (0 if fails else 1)


def note_effects(database: Database) -> list[Any]:
    """Return a list to which the database appends each effect instead of performing it."""
    done: list[Any] = []
    database.perform = done.append
    return done


@pytest.mark.parametrize("block", ["connection", "transaction"])
async def test_effects_follow_the_commit_once_and_in_order(database: Database, block: str) -> None:
    done = note_effects(database)
    seen: list[Any] = []

    async def look(effect: Any) -> None:
        async with database.connection() as other:
            seen.append(await other.fetchval("SELECT count(*) FROM rooms"))

    async with getattr(database, block)() as conn:
        await conn.execute("INSERT INTO rooms (name) VALUES ('x')")
        for effect in (Job("b"), WAKE, Forget("g"), Job("b"), Wake(), Job("a")):
            conn.after(effect)
        assert done == []
    assert done == [Job("b"), WAKE, Forget("g"), Job("a")]
    database.perform = look
    async with database.transaction() as conn:
        await conn.execute("INSERT INTO rooms (name) VALUES ('y')")
        conn.after(WAKE)
    assert seen == [2]


@pytest.mark.parametrize("block", ["connection", "transaction"])
async def test_effects_of_what_fails_are_dropped_and_no_others(database: Database, block: str) -> None:
    done = note_effects(database)
    for _ in range(3):
        with pytest.raises(LookupError):
            async with getattr(database, block)() as conn:
                conn.after(WAKE)
                raise LookupError
        async with database.connection() as conn, database.transaction() as another:
            await conn.execute("SELECT 1")
            await another.execute("SELECT 1")
    assert done == []
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.transaction() as conn:
            await conn.execute("SET CONSTRAINTS ALL DEFERRED")
            await conn.execute("CREATE TEMP TABLE a (id int PRIMARY KEY) ON COMMIT DROP")
            await conn.execute("CREATE TEMP TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED)")
            await conn.execute("INSERT INTO b VALUES (1)")
            conn.after(WAKE)
            # The constraint fails only at the commit.
    assert done == []


async def test_an_effect_that_fails_spoils_neither_the_answer_nor_the_others(database: Database) -> None:
    done: list[Any] = []

    def perform(effect: Any) -> None:
        done.append(effect)
        if effect == WAKE:
            raise LookupError

    database.perform = perform
    async with database.transaction() as conn:
        conn.after(WAKE)
        conn.after(Job("a"))
    assert done == [WAKE, Job("a")]


async def test_effects_follow_a_commit_whose_caller_went_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = note_effects(database)
    release, entered = asyncpg.Pool.release, asyncio.Event()

    async def release_late(pool: Any, conn: Any, **more: Any) -> None:
        entered.set()
        try:
            await asyncio.sleep(5)
        finally:
            await release(pool, conn, **more)

    async def change() -> None:
        async with database.transaction() as conn:
            await conn.execute("INSERT INTO rooms (name) VALUES ('x')")
            conn.after(WAKE)

    monkeypatch.setattr(asyncpg.Pool, "release", release_late)
    database.most_spare = 0
    changing = asyncio.create_task(change())
    await entered.wait()
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    monkeypatch.undo()
    assert (done, database.leased) == ([WAKE], 0)
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM rooms") == 1


async def test_a_connection_lost_with_effects_leaves_none(database: Database) -> None:
    done = note_effects(database)
    with pytest.raises(Unavailable):
        async with database.transaction() as conn:
            conn.after(WAKE)
            async with database.connection() as other:
                await other.execute("SELECT pg_terminate_backend($1)", conn.get_server_pid())
            await conn.fetchval("SELECT pg_sleep(5)")
    async with database.transaction() as conn:
        await conn.execute("SELECT 1")
    assert done == []


async def test_no_cancellation_leaves_a_transaction_open_or_a_connection_lent(database: Database) -> None:
    async def change() -> None:
        async with database.transaction(wait=5) as conn:
            await conn.execute("INSERT INTO rooms (name) VALUES ('x')")
            await conn.execute("DELETE FROM rooms")

    for steps in range(12):
        changing = asyncio.create_task(change())
        for _ in range(steps):
            await asyncio.sleep(0.0003)
        changing.cancel()
        await asyncio.gather(changing, return_exceptions=True)
    assert database.leased == 0
    async with database.connection(wait=5) as conn:
        idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state ~ $1"
        assert await conn.fetchval(idle, "idle in") == 0


async def test_no_free_connection_is_unavailable_and_none_is_lost(database: Database) -> None:
    held = []
    size = database.stats()["max"]
    for _ in range(size):
        context = database.connection(wait=5)
        await context.__aenter__()
        held.append(context)
    with pytest.raises(Unavailable) as caught:
        async with database.connection(wait=0.05):
            pass
    assert caught.value.code == "overloaded"
    for context in held:
        await context.__aexit__(None, None, None)
    assert database.stats()["idle"] == database.stats()["size"]
    async with database.connection(wait=0.05) as conn:
        assert await sql.service.ping(conn) == 1


async def test_a_connection_goes_from_block_to_block(database: Database) -> None:
    async def who() -> int:
        async with database.transaction(wait=5) as conn:
            pid: int = await conn.fetchval("SELECT pg_backend_pid()")
        return pid

    first = await who()
    assert [await who() for _ in range(5)] == [first] * 5
    assert len(database.spare) == 1
    # A spare connection that broke while idle is not lent again.
    async with database.connection() as conn:
        holder = await conn.fetchval("SELECT pg_backend_pid()")
        async with database.connection(wait=5) as other:
            await other.execute("SELECT 1")
            await other.execute("SELECT pg_terminate_backend($1)", holder)
        await asyncio.sleep(0.1)
    assert holder == first != await who()
    assert database.leased == 0


async def test_what_a_block_leaves_open_the_next_does_not_see(database: Database) -> None:
    async with database.connection() as conn:
        await conn.execute("BEGIN")
        await conn.execute("INSERT INTO rooms (name) VALUES ('x')")
        conn.after(WAKE)
    assert database.spare == []
    async with database.connection() as conn:
        assert not conn.is_in_transaction()
        assert await conn.fetchval("SELECT count(*) FROM rooms") == 0


async def test_a_connection_is_not_used_behind_its_block(database: Database) -> None:
    async with database.transaction() as conn:
        assert await conn.fetchval("SELECT 1") == 1
    with pytest.raises(asyncpg.InterfaceError, match="fetchval: the block of this connection has ended"):
        await conn.fetchval("SELECT 1")


class Slow(Database):
    """Needs `seconds` for a new connection."""

    seconds = 0.0

    async def _set_up(self, conn: asyncpg.Connection) -> None:
        await asyncio.sleep(self.seconds)
        await super()._set_up(conn)


async def test_a_burst_after_a_quiet_time_waits_for_slow_connections(config: Config) -> None:
    """Nothing was asked before it, so that PostgreSQL said nothing is no sign of its being away."""
    database = Slow(config)
    await database.open()
    database.seconds = 0.5
    try:
        async with database.connection(wait=5):
            pass
        database.answered_at = database.asked_since = -math.inf

        async def ask() -> None:
            async with database.connection() as conn:
                await conn.execute("SELECT pg_sleep(0.7)")

        await asyncio.gather(*(ask() for _ in range(database.stats()["max"])))
    finally:
        await database.close()


async def test_a_pause_during_an_outage_does_not_end_it(config: Config) -> None:
    """Single requests do not hope anew each time: only an answer ends the silence."""
    database = Slow(replace(config, database_pool=(1, 2)))
    await database.open()
    try:
        async with database.connection(wait=5) as conn:
            conn.terminate()
        database.seconds = 60
        database.answered_at = database.asked_since = -math.inf
        seen = set()
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                async with database.connection():
                    pass
            seen.add((database.asked_since, database.answers()))
        assert len(seen) == 1 and database.leased == database.waiting == 0
    finally:
        database.abandon()


async def test_who_waits_gets_what_is_given_back(database: Database) -> None:
    size = database.stats()["max"]
    held = [database.connection(wait=5) for _ in range(size)]
    for lease in held:
        await lease.__aenter__()

    async def ask() -> int:
        async with database.connection(wait=1) as conn:
            number: int = await conn.fetchval("SELECT 1")
        return number

    waiting = [asyncio.create_task(ask()) for _ in range(3)]
    await asyncio.sleep(0.05)
    await held.pop().__aexit__(None, None, None)
    assert await asyncio.gather(*waiting) == [1, 1, 1]
    for lease in held:
        await lease.__aexit__(None, None, None)
    assert (database.leased, database.waiting) == (0, 0)


async def test_the_pool_sees_a_busy_connection_every_second(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexcorp.db.lease.SPARE_SECONDS", 0.05)
    seen: list[int] = []
    release = asyncpg.Pool.release

    async def note(pool: Any, conn: Any, **more: Any) -> None:
        seen.append(1)
        await release(pool, conn, **more)

    monkeypatch.setattr(asyncpg.Pool, "release", note)
    for _ in range(30):
        async with database.connection(wait=5) as conn:
            await conn.execute("SELECT pg_sleep(0.01)")
    assert 2 <= len(seen) <= 10


async def test_a_cut_connection_is_unavailable_and_the_next_is_good(database: Database) -> None:
    with pytest.raises(Unavailable) as caught:
        async with database.connection() as conn:
            async with database.connection() as other:
                pid = await conn.fetchval("SELECT pg_backend_pid()")
                await other.execute("SELECT pg_terminate_backend($1)", pid)
            await conn.fetchval("SELECT pg_sleep(5)")
    assert caught.value.code == "database_unavailable"
    async with database.connection() as conn:
        assert await sql.service.ping(conn) == 1


async def test_a_database_never_opened_is_unavailable(config: Any) -> None:
    with pytest.raises(Unavailable):
        async with Database(config).connection():
            pass


async def test_a_pool_that_was_given_up_while_it_opened_leaves_nothing_behind(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second pool must not lend connections that the first one opened."""
    database = Database(config, application="opened twice")
    asked = sql.service.get_setting
    failing = [True]

    async def lose(conn: Any, **values: Any) -> Any:
        if failing:
            failing.clear()
            # Another block has begun and ended in between.
            async with database.connection():
                pass
            raise ConnectionResetError
        return await asked(conn, **values)

    monkeypatch.setattr(sql.service, "get_setting", lose)
    with pytest.raises(Unavailable):
        await database.open()
    await database.open()
    try:
        async with database.connection() as first, database.connection() as second:
            assert await first.fetchval("SELECT 1") == await second.fetchval("SELECT 1") == 1
        async with database.connection() as conn:

            async def alone() -> bool:
                count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'opened twice'"
                return await conn.fetchval(count) <= config.database_pool[0]

            await wait_until(alone)
    finally:
        await database.close()


async def test_only_the_named_constraint_becomes_the_error(database: Database) -> None:
    nobody = UUID(int=0)
    for name, expected in (("follows_no_self", AppError), ("follows_pkey", Exception)):
        with pytest.raises(expected) as caught:
            async with database.transaction() as conn:
                with on_constraint(name, NotFound()):
                    await conn.execute(
                        "INSERT INTO follows (follower_id, followed_id) VALUES ($1, $1)", nobody
                    )
        assert isinstance(caught.value, NotFound) == (name == "follows_no_self")

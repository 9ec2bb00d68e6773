"""Writes of handlers: in a transaction, or as one statement that commits by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from nexcorp.context import RequestContext
from nexcorp.db import Database, sql
from nexcorp.delivery.effects import WAKE
from nexcorp.errors import Invalid, Unavailable
from nexcorp.security.app_keys import CONTEXT, DATABASE, SECRETS
from nexcorp.security.secrets import Secrets
from nexcorp.web import transactions
from nexcorp.web.transactions import Replay, transaction, write
from nexcorp.web.turns import TURNS, Turns

ROW = UUID(int=7)
Door = Callable[..., Any]


@pytest.fixture
def app(config: Any, database: Database) -> web.Application:
    app = web.Application()
    app[DATABASE], app[SECRETS], app[TURNS] = database, Secrets.from_config(config), Turns()
    return app


def ask(app: web.Application, key: str | None = None, method: str = "POST") -> web.Request:
    """Return a request without a body."""
    headers = {"Idempotency-Key": key} if key else {}
    request = make_mocked_request(method, "/x", headers=headers, app=app)
    request._read_bytes = b""
    request[CONTEXT] = RequestContext("r", "192.0.2.1")
    return request


async def count_rooms(database: Database) -> int:
    async with database.connection(wait=5) as conn:
        count: int = await conn.fetchval("SELECT count(*) FROM rooms")
    return count


@pytest.mark.parametrize(
    ("door", "key", "method", "expected"),
    [
        (write, None, "POST", False),
        (write, "k", "POST", True),
        (write, "k", "PATCH", False),
        (transaction, None, "POST", True),
        (transaction, "k", "POST", True),
    ],
)
async def test_who_gets_a_transaction(
    app: web.Application, door: Door, key: str | None, method: str, expected: bool
) -> None:
    async with door(ask(app, key, method)) as tx:
        assert tx.conn.is_in_transaction() is expected
        answer = await tx.reply({"a": 1}, 201)
    assert (answer.status, answer.body) == (201, b'{"a":1}')


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_write_stands_and_wakes_the_workers(
    app: web.Application, database: Database, key: str | None
) -> None:
    done: list[Any] = []
    database.perform = done.append
    async with write(ask(app, key)) as tx:
        await tx.conn.execute("INSERT INTO rooms (name) VALUES ('x')")
        tx.after(WAKE)
        await tx.reply({})
        # With a key, the write is committed together with the stored answer.
        assert await count_rooms(database) == (1 if key is None else 0)
    assert (await count_rooms(database), done) == (1, [WAKE])


async def test_a_key_replays_what_a_write_answered(app: web.Application, database: Database) -> None:
    for _ in range(2):
        try:
            async with write(ask(app, "k"), turn=ROW) as tx:
                await tx.conn.execute("INSERT INTO rooms (name) VALUES (gen_random_uuid()::text)")
                await tx.reply({"a": 1}, 201)
        except Replay as replay:
            assert replay.response.body == b'{"a":1}'
            break
    else:
        pytest.fail("the work was done twice")
    assert await count_rooms(database) == 1
    assert not app[TURNS]._queues


async def test_a_key_whose_answer_goes_meanwhile_is_free(
    app: web.Application, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key expires after the claim found it and before its answer is read."""
    async with write(ask(app, "k")) as tx:
        await tx.reply({"a": 1}, 201)
    keys = sql.idempotency

    async def read_late(conn: Any, **asked: Any) -> Any:
        async with database.connection(wait=5) as other:
            await other.execute("DELETE FROM idempotency_keys")
        return await keys.get_answer(conn, **asked)

    slow = SimpleNamespace(claim_key=keys.claim_key, get_answer=read_late, store_answer=keys.store_answer)
    monkeypatch.setattr(transactions, "sql", SimpleNamespace(idempotency=slow))
    async with write(ask(app, "k")) as tx:
        assert (await tx.reply({"a": 2}, 201)).body == b'{"a":2}'


@pytest.mark.parametrize("door", [write, transaction])
async def test_the_turn_is_given_back_whatever_happens(
    app: web.Application, database: Database, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_inside() -> None:
        async with door(ask(app), turn=ROW):
            raise LookupError

    async def fail_at_the_key() -> None:
        async with door(ask(app, "no key, for it has blanks"), turn=ROW):
            pytest.fail("it must not get here")

    async def fail_at_the_claim() -> None:
        async def refuse(conn: Any, claim: Any) -> None:
            raise LookupError

        with monkeypatch.context() as patch:
            patch.setattr("nexcorp.web.transactions.take_claim", refuse)
            async with door(ask(app, "k"), turn=ROW):
                pytest.fail("it must not get here")

    async def fail_without_a_connection() -> None:
        held = [database.connection(wait=5) for _ in range(database.stats()["max"])]
        for lease in held:
            await lease.__aenter__()
        try:
            async with door(ask(app), turn=ROW):
                pytest.fail("it must not get here")
        finally:
            for lease in held:
                await lease.__aexit__(None, None, None)

    fails: list[tuple[Callable[[], Awaitable[None]], type[Exception]]] = [
        (fail_inside, LookupError),
        (fail_at_the_key, Invalid),
        (fail_at_the_claim, LookupError),
        (fail_without_a_connection, Unavailable),
    ]
    for fail, expected in fails:
        with pytest.raises(expected):
            await fail()
        assert (app[TURNS]._queues, database.leased) == ({}, 0), fail.__name__


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("door", [write, transaction])
async def test_a_caller_who_goes_away_at_any_point_leaves_nothing_held(
    app: web.Application, database: Database, door: Door, key: str | None
) -> None:
    async def change() -> None:
        async with door(ask(app, key and str(uuid4())), turn=ROW) as tx:
            await tx.conn.execute("SELECT pg_sleep(0.001)")
            await tx.reply({})

    for steps in range(15):
        crowd = [asyncio.create_task(change()) for _ in range(4)]
        await asyncio.sleep(steps * 0.0004)
        for one in crowd[::2]:
            one.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        assert (app[TURNS]._queues, database.leased) == ({}, 0)
    async with write(ask(app), turn=ROW) as tx:
        assert await tx.conn.fetchval("SELECT 1") == 1

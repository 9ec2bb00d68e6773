"""The log of slow statements: it has names, never values; and no watcher runs where it is off."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from nexcorp.config import Config
from nexcorp.context import RequestContext, current
from nexcorp.db import Database, slow
from nexcorp.db.slow import name_statement
from nexcorp.db.statements import Statement

SECRET = "what nobody may read in a log"


def test_a_statement_is_called_as_in_sql() -> None:
    assert name_statement("/* posts.get_post */\nSELECT 1") == "posts.get_post"
    assert name_statement("begin; SET LOCAL idle_in_transaction_session_timeout = '30s'") == "BEGIN"
    assert name_statement(f"/* {SECRET} */") == "unknown"


async def test_what_is_slow_is_logged_by_name(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[dict[str, Any]] = []

    def note(logged: str, **more: Any) -> None:
        lines.append({"event": logged, "requestId": current.get().request_id, **more})  # type: ignore[union-attr]

    monkeypatch.setattr(slow.log, "warning", note, raising=False)
    nap = Statement("nap", ("seconds", "text"), "value", "/* tests.nap */\nSELECT pg_sleep($1) || $2::text")
    fail = Statement(
        "fail", ("text",), "value", "/* tests.fail */\nSELECT pg_sleep(0.02) || ($1::text)::integer::text"
    )
    database = Database(replace(config, slow_statement_ms=15))
    await database.open()
    current.set(RequestContext("a-request"))
    async with database.connection(wait=5) as conn:
        await nap(conn, seconds=0.03, text=SECRET)
        with pytest.raises(asyncpg.DataError):
            await fail(conn, text=SECRET)
    # asyncpg notifies its listeners in the next turn of the loop.
    await asyncio.sleep(0)
    await database.close()
    named = [line for line in lines if line["statement"].startswith("tests.")]
    assert [(line["event"], line["statement"]) for line in named] == [
        ("slow statement", "tests.nap"),
        ("slow statement", "tests.fail"),
    ]
    assert named[0]["milliseconds"] >= 30 and "error" not in named[0]
    assert named[1]["error"] == "InvalidTextRepresentationError"
    assert {line["requestId"] for line in named} == {"a-request"}
    assert SECRET not in repr(lines)


async def test_without_the_setting_no_connection_is_watched(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        assert database.watchers == [] and not conn._query_loggers
        with capture_logs() as lines:
            await conn.fetchval("SELECT pg_sleep(0.05)")
            await asyncio.sleep(0)
    assert lines == []

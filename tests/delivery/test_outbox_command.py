"""`nexcorp outbox` lists events that could not be delivered, and queues them again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nexcorp.__main__ import main
from nexcorp.db import sql

BURY = """
WITH buried AS (DELETE FROM outbox WHERE id = ANY($1) RETURNING *)
INSERT INTO outbox_dead (id, lane, event_id, event_at, dedup_key, attempts, last_error, created_at)
SELECT id, lane, event_id, event_at, dedup_key, 10, 'KeyError: postId', created_at FROM buried
"""


async def test_what_was_given_up_is_listed_and_tried_again(
    database: Any, database_url: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)

    async def ask(*words: str) -> tuple[int, list[str], str]:
        code = await asyncio.to_thread(main, ["outbox", *words])
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err

    async with database.connection(wait=5) as conn:

        async def emit(dedup_key: str | None) -> int:
            await conn.execute(
                "SELECT emit('post.created', NULL, 'post', uuidv7(), '{}', '{}', NULL, $1)", dedup_key
            )
            number: int = await conn.fetchval("SELECT max(id) FROM outbox")
            return number

        one, two, three = [await emit(None), await emit("twice"), await emit(None)]
        await conn.execute(BURY, [one, two])
        await emit("twice")
        await sql.events.postpone_outbox(
            conn,
            lane=await conn.fetchval("SELECT lane FROM outbox WHERE id = $1", three),
            row_id=three,
            last_error="ValueError: no",
        )
        code, lines, _ = await ask("list")
        assert code == 0
        assert [line.split()[0] for line in lines] == [str(one), str(two), str(three)]
        assert "post.created" in lines[0]
        assert lines[0].endswith("10 attempts, dead: KeyError: postId")
        assert lines[2].endswith(": ValueError: no")
        code, lines, error = await ask("retry", str(one), "999")
        assert (code, lines) == (1, ["queued again: 1"])
        assert error == "nexcorp: not given up on: 999; see `nexcorp outbox list`\n"
        assert (await ask("retry"))[:2] == (0, ["queued again: 1"])
        # The event already queued again under the same key is not queued twice.
        rows = await conn.fetch("SELECT dedup_key, attempts FROM outbox ORDER BY dedup_key")
        assert [tuple(row) for row in rows] == [("twice", 0), (None, 1), (None, 0)]
        assert await conn.fetchval("SELECT count(*) FROM outbox_dead") == 0
        assert (await sql.events.count_troubles(conn))["defaultRows"] == 0
        await conn.execute("DELETE FROM outbox")
    assert (await ask("list"))[1] == ["everything is delivered, or on its way"]

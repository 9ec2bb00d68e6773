"""The generated types of statements match PostgreSQL, and mypy uses them."""

from __future__ import annotations

import os
import re
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest

from nexcorp.config import REPOSITORY
from nexcorp.db import Database, sql
from nexcorp.db.sql_types import STUB, describe
from nexcorp.db.statements import load

# A comment names the error that mypy must report for its line.
CODE = """
from nexcorp.db import Connection, sql

async def read(conn: Connection) -> None:
    post = await sql.posts.get_post(conn, post_id=None, viewer_id=None)
    post["title"]  # index
    if post is None:
        return
    post["lkied"]  # typeddict-item
    post["title"] + 1  # operator
    if post["title"] is None:
        print(post["likeCount"] + 1)
    some = {"viewer_id": None, "user_id": None, "before_user": None}
    for row in await sql.follows.list_followers(conn, before=None, most=1, **some):
        row["user"], row["createdAt"].year
        row["_user"]  # typeddict-item
    depth = await sql.events.get_outbox_depth(conn)
    depth["depth"].bit_length()
    await sql.posts.get_post(conn, post_id="1", viewer_id=None)  # arg-type
    await sql.posts.get_post(conn, post=None, viewer_id=None)  # call-arg
    await sql.posts.get_psot(conn)  # attr-defined
"""


async def test_stub_is_current(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        assert STUB.read_text() == await describe(conn, load()), "run `make sql-types`"


async def test_mypy_sees_what_is_misspelt(tmp_path: Path) -> None:
    code = tmp_path / "reader.py"
    code.write_text(CODE)
    command = [sys.executable, "-m", "mypy", "--config-file", str(REPOSITORY / "setup.cfg"), str(code)]
    process = await create_subprocess_exec(
        *command, f"--cache-dir={tmp_path}", cwd=REPOSITORY, stdout=PIPE, env={**os.environ, "MYPYPATH": "."}
    )
    output, _ = await process.communicate()
    told = re.findall(r"reader\.py:(\d+): error: .*\[([a-z-]+)\]", output.decode())
    expected = [
        (str(number), line.partition("  # ")[2])
        for number, line in enumerate(CODE.splitlines(), 1)
        if "  # " in line
    ]
    assert told == expected, output.decode()


async def test_a_row_that_is_always_there_is_never_none(database: Database) -> None:
    async with database.connection(wait=5) as conn:
        assert (await sql.events.get_outbox_depth(conn))["depth"] == 0
    statement = sql.features["events"].statements["get_outbox_depth"]
    assert statement.always

    class Empty:
        async def fetchrow(self, text: str) -> None:
            return None

    with pytest.raises(LookupError, match="get_outbox_depth"):
        await statement(Empty())

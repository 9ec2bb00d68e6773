"""Versions of files: which contents are kept, how often, and within which quota."""

from __future__ import annotations

import asyncio
import random
from uuid import uuid4

import pytest

from nexcorp.collab.versions import (
    ProjectQuotaExceeded,
    cut_version,
    read_content,
    stream_content,
    sweep_contents,
)
from nexcorp.errors import FileNotFound
from tests.collab.helpers import fetch_row, make_file, make_project

QUOTA = 1024**3


async def cut(database, file_id, content, cause="put", seq=0):
    async with database.transaction(wait=5) as conn:
        return await cut_version(conn, file_id, content, cause=cause, author_ids=[uuid4()], seq=seq)


async def count_parts(database):
    row = await fetch_row(
        database, "SELECT count(*) AS parts, count(DISTINCT sha256) AS contents FROM file_chunks"
    )
    return row["contents"], row["parts"]


async def test_a_version_is_what_was_saved_and_each_content_is_stored_once(database):
    project_id = await make_project(database)
    first, second = await make_file(database, project_id), await make_file(database, project_id, "binary")
    # Random bytes cannot be compressed, so they fill more than two parts.
    large = random.Random(1).randbytes(2_500_000)
    assert await cut(database, first, b"one", "created") == 1
    assert await cut(database, first, b"one") is None
    assert await cut(database, first, b"") == 2
    assert await cut(database, first, b"one") == 3
    assert await cut(database, second, large) == 1
    assert await cut(database, first, large) == 4
    assert await count_parts(database) == (3, 1 + 1 + 3)
    with pytest.raises(FileNotFound):
        await cut(database, uuid4(), b"one")

    rows = {}
    async with database.connection() as conn:
        for row in await conn.fetch("SELECT * FROM file_versions WHERE file_id = $1", first):
            rows[row["n"]] = await read_content(conn, row["sha256"])
            assert row["bytes"] == len(rows[row["n"]])
            digest = row["sha256"]
    assert rows == {1: b"one", 2: b"", 3: b"one", 4: large}
    parts = [part async for part in stream_content(database, digest)]
    assert b"".join(parts) == large and max(map(len, parts)) <= 1024 * 1024
    zeros = bytes(9_000_000)
    await cut(database, second, zeros)
    sha256 = (await fetch_row(database, "SELECT sha256 FROM file_versions WHERE bytes = $1", len(zeros)))[
        "sha256"
    ]
    parts = [part async for part in stream_content(database, sha256)]
    assert b"".join(parts) == zeros and max(map(len, parts)) <= 1024 * 1024
    file = await fetch_row(database, "SELECT * FROM files WHERE id = $1", first)
    assert (file["content_version"], file["bytes"], file["version"]) == (4, len(large), 1)
    held = await fetch_row(database, "SELECT file_bytes FROM projects WHERE id = $1", project_id)
    assert held["file_bytes"] == len(large) + len(zeros)


async def test_two_who_save_at_once_cut_two_versions_and_exceed_no_quota(database):
    project_id = await make_project(database, file_bytes=QUOTA - 100)
    files = [await make_file(database, project_id) for _ in range(3)]
    answers = await asyncio.gather(
        *(cut(database, file_id, b"%d" % n * 60) for n, file_id in enumerate(files)), return_exceptions=True
    )
    assert answers.count(1) == 1
    assert sum(isinstance(answer, ProjectQuotaExceeded) for answer in answers) == 2
    row = await fetch_row(
        database,
        """SELECT p.file_bytes, sum(f.bytes) AS bytes, max(f.content_version) AS saved
        FROM projects AS p INNER JOIN files AS f ON f.project_id = p.id WHERE p.id = $1 GROUP BY p.id""",
        project_id,
    )
    assert tuple(row) == (QUOTA - 40, 60, 1)

    file_id = await make_file(database)
    same = await asyncio.gather(*(cut(database, file_id, b"the same") for _ in range(4)))
    assert sorted(same, key=str) == [1, None, None, None]
    numbers = await asyncio.gather(*(cut(database, file_id, b"text %d" % n) for n in range(4)))
    assert sorted(numbers) == [2, 3, 4, 5]


async def test_a_content_of_no_version_is_swept_unless_one_is_being_cut_of_it(database):
    file_id, other = await make_file(database), await make_file(database)
    await cut(database, file_id, b"gone")
    await cut(database, file_id, b"stays")
    async with database.connection() as conn:
        await conn.execute("DELETE FROM file_versions WHERE file_id = $1 AND n = 1", file_id)
    async with database.transaction() as conn:
        # A version of the same content is cut while the sweep runs; the content is kept until the commit.
        await cut_version(conn, other, b"gone", cause="put", author_ids=[], seq=0)
        assert await sweep_contents(database) == 0
    assert await sweep_contents(database) == 0
    async with database.connection() as conn:
        await conn.execute("DELETE FROM file_versions WHERE file_id = $1", other)
    assert await sweep_contents(database) == 1
    assert await count_parts(database) == (1, 1)
    # The content is swept while a version of it is being cut: it is stored again.
    async with database.connection() as conn:
        await conn.execute("DELETE FROM file_versions WHERE file_id = $1", file_id)
    async with database.transaction() as conn:
        await conn.execute("DELETE FROM file_chunks")
        cutting = asyncio.create_task(cut(database, other, b"stays"))
        await asyncio.sleep(0.05)
        assert not cutting.done()
    await cutting
    assert await count_parts(database) == (1, 1)

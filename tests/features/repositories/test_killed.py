"""Real workers, killed in the middle of a fetch, stopped there, or cut off from Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nexcorp.config import REPOSITORY
from tests.conftest import SECRET, wait_until

pytestmark = pytest.mark.long(12)


def find_processes(folder: Path) -> list[str]:
    """Processes with a cache among their arguments: git, and the shell that guards it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if str(folder) in text:
                found.append(text)
    return found


def list_leftovers(folder: Path) -> list[str]:
    """Unfinished packs and lock files."""
    return [path.name for path in folder.rglob("*") if path.name.startswith("tmp_") or path.suffix == ".lock"]


async def start_worker(config: Any, home: Path, host: str) -> asyncio.subprocess.Process:
    """Start `nexcorp worker` as a process."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "nexcorp",
        "worker",
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": config.database_url,
            "REDIS_URL": config.redis_url,
            "JWT_SECRET": SECRET,
            "NEXCORP_HOME": str(home),
            "OUTBOUND_ALLOW": host,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks processes up in /proc")
async def test_nothing_is_lost_and_nothing_left_behind(
    config: Any, own_valkey: Any, remote: Any, tmp_path: Path
) -> None:
    config = replace(config, redis_url=own_valkey.url)
    home, host = tmp_path / "home", remote.url.removeprefix("http://")
    folder = home / "repositories"
    one = remote.make()
    one.commit(3000)
    with psycopg.connect(config.database_url, autocommit=True) as conn:

        def change(path: str) -> None:
            conn.execute(
                "UPDATE repositories SET url = %s, next_at = now(), lease_until = '-infinity'",
                (f"{remote.url}/{path}/one.git",),
            )

        def read() -> tuple[Any, ...]:
            found = conn.execute(
                """
                SELECT status, claim IS NULL, commit_count,
                    (SELECT count(*)::integer FROM git_commits WHERE gone_at IS NULL)
                FROM repositories
                """
            ).fetchone()
            assert found is not None
            return found

        async def is_half_there() -> bool:
            return remote.stalled == 1 and bool(list_leftovers(folder)) and bool(find_processes(folder))

        async def is_fetching() -> bool:
            return remote.stalled == 2 and bool(find_processes(folder))

        async def is_quiet() -> bool:
            return not find_processes(folder)

        async def is_synced() -> bool:
            count = len(one.list())
            return read() == ("synced", True, count, count)

        conn.execute(
            """
            WITH made AS (INSERT INTO projects (name) VALUES ('A project') RETURNING id)
            INSERT INTO repositories (project_id, url) SELECT id, %s FROM made
            """,
            (f"{remote.url}/stalled/one.git",),
        )
        worker = await start_worker(config, home, host)
        try:
            await wait_until(is_half_there, seconds=30)
            worker.kill()
            await worker.wait()
            # Git ends with its worker, well before it would give up on the silent remote.
            await wait_until(is_quiet)
            assert read()[0] == "syncing" and list_leftovers(folder)

            change("r")
            worker = await start_worker(config, home, host)
            await wait_until(is_synced, seconds=30)
            assert list_leftovers(folder) == []

            # Redis is lost in the middle of a fetch, and the worker is told to stop.
            one.commit(500)
            change("stalled")
            await wait_until(is_fetching, seconds=30)
            own_valkey.kill()
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(worker.wait(), 30) == 0
            await wait_until(is_quiet)
            assert read()[:2] == ("pending", True)

            # Redis comes back and is lost again: due repositories are synced all the same.
            change("r")
            own_valkey.start()
            worker = await start_worker(config, home, host)
            await wait_until(is_synced, seconds=30)
            one.commit(20)
            own_valkey.kill()
            change("r")
            await wait_until(is_synced, seconds=30)
            assert list_leftovers(folder) == []
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()

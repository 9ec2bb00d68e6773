"""Syncing by workers that die or stop, and against hostile remotes; without a service."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from nexcorp.config import REPOSITORY
from nexcorp.db import sql
from nexcorp.integrations import git_commands
from nexcorp.integrations.git import Git, pin
from nexcorp.integrations.git_commands import GitFailed
from nexcorp.integrations.outbound import Refused
from nexcorp.security.secrets import Secrets
from tests.conftest import wait_until
from tests.gitserver import serve_git
from workers import repositories
from workers.repositories import Syncer

# A worker to be killed; its git waits for a server that never answers.
WORKER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.integrations.git import Git
from nexcorp.security.secrets import Secrets
from workers.repositories import Syncer

async def run():
    config = replace(Config(), env="development", database_url=sys.argv[1], jwt_secret="x" * 40)
    database = Database(config)
    await database.open()
    syncer = Syncer(database, Git(Path(sys.argv[2]), [sys.argv[3]]), Secrets.from_config(config), lease=1.0)
    await syncer.drain()

asyncio.run(run())
"""


@pytest.fixture
def git(tmp_path: Path, remote: Any) -> Git:
    """Git with a cache for this test alone."""
    return Git(tmp_path / "cache", [remote.url.removeprefix("http://")])


@pytest.fixture
def syncer(database: Any, git: Git, config: Any) -> Syncer:
    """A syncer as a worker has it, with a short lease."""
    return Syncer(database, git, Secrets.from_config(config), lease=1.0)


async def link(database: Any, url: str) -> Any:
    """Link a repository; return its id."""
    async with database.connection(wait=5) as conn:
        return await conn.fetchval(
            """
            WITH made AS (INSERT INTO projects (name) VALUES ('A project') RETURNING id)
            INSERT INTO repositories (project_id, url) SELECT id, $1 FROM made RETURNING id
            """,
            url,
        )


async def read(database: Any) -> Any:
    """The only repository's row, with `live`, the number of its commits that are not gone."""
    async with database.connection(wait=5) as conn:
        return await conn.fetchrow(
            "SELECT *, (SELECT count(*) FROM git_commits WHERE gone_at IS NULL) AS live FROM repositories"
        )


async def test_a_worker_that_is_killed_is_followed_by_another(
    database: Any, syncer: Syncer, remote: Any, config: Any, tmp_path: Path
) -> None:
    one = remote.make()
    one.commit(1200)
    await link(database, f"{remote.url}/silent/one.git")
    host = remote.url.removeprefix("http://")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, config.database_url, str(tmp_path / "cache"), host, cwd=REPOSITORY
    )
    await wait_until(lambda: asyncio.sleep(0, bool(remote.heard)), seconds=20)
    process.kill()
    await process.wait()
    async with database.connection(wait=5) as conn:
        await conn.execute("UPDATE repositories SET url = $1", f"{remote.url}/r/one.git")
    # Not before the dead worker's claim has expired.
    assert await syncer.drain() == 0
    await wait_until(syncer.drain)
    row = await read(database)
    assert (row["status"], row["live"], row["commit_count"]) == ("synced", 1200, len(one.list()))


async def test_a_worker_that_stops_gives_back_what_it_has(database: Any, syncer: Syncer, remote: Any) -> None:
    await link(database, f"{remote.url}/silent/one.git")
    assert await syncer.start_due() == 1
    await wait_until(lambda: asyncio.sleep(0, bool(remote.heard)))
    await syncer.close()
    row = await read(database)
    assert (row["status"], row["claim"], row["failures"]) == ("pending", None, 0)
    assert await syncer.start_due() == 0


async def test_a_lost_or_broken_cache_changes_nothing(
    database: Any, syncer: Syncer, git: Git, remote: Any
) -> None:
    one = remote.make()
    one.commit(5)
    name = str(await link(database, f"{remote.url}/r/one.git"))
    await syncer.drain()
    for spoil in ("gone", "broken"):
        if spoil == "gone":
            await git.forget(name)
        else:
            # A git that was killed leaves this lock.
            (git.folder / name / "refs/heads/tracked.lock").touch()
        one.commit(2)
        async with database.connection(wait=5) as conn:
            await conn.execute("UPDATE repositories SET next_at = now()")
        await syncer.drain()
        row = await read(database)
        assert (row["status"], row["live"]) == ("synced", len(one.list())), spoil
    # All commits were appended: the first five keep their numbers.
    assert row["last_n"] == 9


async def test_a_fetch_that_fails_on_its_way_keeps_the_cache(
    database: Any, syncer: Syncer, git: Git, remote: Any
) -> None:
    one = remote.make()
    one.commit(5)
    name = str(await link(database, f"{remote.url}/r/one.git"))
    await syncer.drain()
    kept = sorted((git.folder / name).rglob("*.pack"))
    one.commit(3000)
    git.fetch_seconds = 0.5
    for kind, reason in (("stalled", "timeout"), ("r", None)):
        async with database.connection(wait=5) as conn:
            url = f"{remote.url}/{kind}/one.git"
            await conn.execute("UPDATE repositories SET next_at = now(), url = $1", url)
        await syncer.drain()
        row = await read(database)
        assert row["reason"] == reason
        # What it had is there still, and nothing is left of the half that came.
        assert set(kept) <= set((git.folder / name).rglob("*.pack"))
        assert not [*(git.folder / name).rglob("tmp_*"), *(git.folder / name).rglob("*.lock")]
        git.fetch_seconds = 20.0
    # The five were not written again.
    assert (row["status"], row["live"], row["last_n"]) == ("synced", 3005, 3005)


async def test_waits_grow_and_refused_tokens_end_the_schedule(
    database: Any, syncer: Syncer, remote: Any
) -> None:
    remote.make().commit()
    await link(database, f"{remote.url}/auth/one.git")
    waits = []
    for _ in range(5):
        async with database.connection(wait=5) as conn:
            await conn.execute("UPDATE repositories SET next_at = now() - interval '1 second'")
        await syncer.drain()
        row = await read(database)
        waits.append(row["next_at"] and round((row["next_at"] - row["started_at"]).total_seconds() / 60))
    assert waits == [5, 10, 20, 40, None]
    assert (row["reason"], row["failures"]) == ("auth_failed", 5)


async def test_what_is_asked_for_meanwhile_follows_at_once(
    database: Any, syncer: Syncer, git: Git, remote: Any, monkeypatch: Any
) -> None:
    one = remote.make()
    one.commit(3)
    await link(database, f"{remote.url}/r/one.git")
    fetch, asked = git.fetch, []

    async def fetch_and_ask(*args: Any) -> str:
        found = await fetch(*args)
        if not asked:
            one.commit(2)
            project = (await read(database))["project_id"]
            async with database.connection(wait=5) as conn:
                asked.extend([await sql.repositories.ask_sync(conn, project_id=project) for _ in range(2)])
            assert (await read(database))["status"] == "syncing"
        return found

    monkeypatch.setattr(git, "fetch", fetch_and_ask)
    assert await syncer.drain() == 2
    row = await read(database)
    assert asked[0] is not None and asked[1] is None
    assert (row["status"], row["live"], row["commit_count"]) == ("synced", 5, 5)
    assert row["next_at"] > row["synced_at"]

    # In the trash it is not synced; after that it is due again.
    async with database.connection(wait=5) as conn:
        await conn.execute("UPDATE repositories SET next_at = now()")
        await conn.execute("UPDATE projects SET deleted_at = now()")
        assert await syncer.drain() == 0
        await conn.execute("UPDATE projects SET deleted_at = NULL")
    assert await syncer.drain() == 1


async def test_what_git_cannot_read_is_not_called_synced(database: Any, syncer: Syncer, remote: Any) -> None:
    remote.make(format="sha256").commit(2)
    await link(database, f"{remote.url}/r/one.git")
    await syncer.drain()
    row = await read(database)
    assert (row["status"], row["reason"]) == ("failed", "git_failed")


async def test_what_answers_without_a_branch_loses_no_commit(
    database: Any, syncer: Syncer, remote: Any
) -> None:
    one = remote.make()
    await link(database, f"{remote.url}/r/one.git")
    await syncer.drain()
    # An empty repository is synced, too.
    row = await read(database)
    assert (row["status"], row["head"], row["live"]) == ("synced", None, 0)
    one.commit(4)
    for path, status, reason in (("r", "synced", None), ("blank", "failed", "branch_gone")):
        async with database.connection(wait=5) as conn:
            await conn.execute(
                "UPDATE repositories SET next_at = now(), url = $1", f"{remote.url}/{path}/one.git"
            )
        await syncer.drain()
        row = await read(database)
        assert (row["status"], row["reason"], row["live"]) == (status, reason, 4)


async def test_an_endless_list_of_branches_and_a_broken_pack(git: Git, remote: Any, monkeypatch: Any) -> None:
    one = remote.make()
    one.commit(50)
    one.git("repack", "-adq")
    [pack] = (one.folder / "objects/pack").glob("*.pack")
    pack.chmod(0o644)
    whole = pack.read_bytes()
    pack.write_bytes(whole[: len(whole) // 2] + b"\0" * 50 + whole[len(whole) // 2 + 50 :])
    with pytest.raises(GitFailed) as failed:
        await git.fetch("broken", f"{remote.url}/r/one.git", "main")
    assert failed.value.reason == "git_failed"
    # Git keeps all refs that it receives, and so has a limit of its own.
    monkeypatch.setattr(git_commands, "MAX_MEMORY_BYTES", 64 * 1024**2)
    with pytest.raises(GitFailed) as failed:
        await git.list_refs(f"{remote.url}/endless/one.git")
    # On systems without a memory limit, the time limit ends it.
    assert failed.value.reason == ("too_large" if sys.platform == "linux" else "timeout")


def test_an_old_git_is_not_used() -> None:
    version = git_commands.read_version()
    assert version is not None and git_commands.find_problem(version) is None
    assert "2.36.1 is too old" in (git_commands.find_problem((2, 36, 1)) or "")
    assert git_commands.find_problem(None) == "there is no git"


async def test_a_run_that_is_interrupted_lets_go_at_once(
    database: Any, syncer: Syncer, remote: Any, monkeypatch: Any
) -> None:
    remote.make().commit(1700)
    await link(database, f"{remote.url}/r/one.git")
    add, added = repositories.add, []

    async def add_and_interrupt(conn: Any, *args: Any) -> None:
        await add(conn, *args)
        added.append(len(args[-1]))
        project = (await read(database))["project_id"]
        async with database.connection(wait=5) as other:
            await sql.repositories.interrupt_sync(other, project_id=project)

    monkeypatch.setattr(repositories, "add", add_and_interrupt)
    await syncer.drain()
    row = await read(database)
    assert (added, row["live"], row["claim"], row["failures"]) == ([500], 0, None, 0)
    async with database.connection(wait=5) as conn:
        assert await sql.repositories.unlink_repository(conn, project_id=row["project_id"]) == row["id"]


async def test_slow_remotes_hold_up_no_other(
    database: Any, syncer: Syncer, remote: Any, monkeypatch: Any
) -> None:
    remote.make().commit()
    monkeypatch.setattr(repositories, "REST_SECONDS", 60.0)
    for kind in ("silent", "silent", *["r"] * 6):
        await link(database, f"{remote.url}/{kind}/one.git")
    polling = asyncio.create_task(repositories.poll_syncer(syncer))

    async def are_synced() -> bool:
        async with database.connection(wait=5) as conn:
            found = await conn.fetchval("SELECT count(*) FROM repositories WHERE status = 'synced'")
            return bool(found == 6)

    # More repositories than slots, and two slots are blocked: each finished run makes room for the next.
    try:
        await wait_until(are_synced)
    finally:
        polling.cancel()
        await syncer.close()


async def test_limits_of_size_and_time(git: Git, remote: Any) -> None:
    remote.make().commit(3000)
    git.max_bytes = 16 * 1024
    with pytest.raises(GitFailed) as failed:
        await git.fetch("large", f"{remote.url}/r/one.git", "main")
    assert failed.value.reason == "too_large"
    assert not (git.folder / "large").exists()
    git.list_seconds = 0.5
    with pytest.raises(GitFailed) as failed:
        await git.list_refs(f"{remote.url}/silent/one.git")
    assert failed.value.reason == "timeout"


async def test_every_address_of_a_name_must_be_public(monkeypatch: Any) -> None:
    async def look_up(host: str, port: int, **more: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in names[host]]

    names = {
        "mixed.example.com": ["93.184.216.34", "10.0.0.1"],
        "mapped.example.com": ["::ffff:169.254.169.254"],
        "good.example.com": ["93.184.216.34", "2606:4700::1111"],
    }
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    for name in ("mixed", "mapped"):
        with pytest.raises(Refused) as refused:
            await pin(f"https://{name}.example.com/a.git")
        assert refused.value.code == "address_refused"
    _, pinned = await pin("https://good.example.com/a.git")
    assert pinned == "good.example.com:443:[2606:4700::1111],93.184.216.34"


async def test_a_remote_that_is_an_ipv6_address(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no IPv6")
    async with serve_git(tmp_path / "six", "::1") as six:
        one = six.make()
        one.commit(2)
        git = Git(tmp_path / "cache", [six.url.removeprefix("http://")])
        url = f"{six.url}/r/one.git"
        assert (await git.list_refs(url)).heads == {"main": one.list()[0]}
        assert await git.fetch("six", url, "main") == one.list()[0]


async def test_a_name_that_changes_leads_no_further(git: Git, remote: Any, monkeypatch: Any) -> None:
    async def look_up(host: str, port: int, **more: Any) -> list[Any]:
        return [(0, 0, 0, "", (answers.pop(0), port))]

    port = remote.url.rpartition(":")[2]
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    answers = ["93.184.216.34", "127.0.0.1"]
    url = "https://turning.example.com/r/one.git"
    await pin(url)
    with pytest.raises(Refused) as refused:
        await git.list_refs(url)
    assert refused.value.code == "address_refused" and remote.heard == []
    # Git uses the checked address: only this test's resolver knows the name.
    one = remote.make()
    one.commit()
    git.allow = [f"turning.example.com:{port}"]
    answers = ["127.0.0.1"]
    refs = await git.list_refs(f"http://turning.example.com:{port}/r/one.git")
    assert refs.heads == {"main": one.list()[0]} and answers == []

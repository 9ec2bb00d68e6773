"""Linked repositories on loopback: a first sync, one that finds nothing new, and one with ten new commits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import uvloop
from aiohttp import web

from bench.remote import remote, server
from bench.stage import QUICK, REST, SERVED, Stage
from bench.table import Figure, median
from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.integrations.git import Git
from nexcorp.security.secrets import Secrets
from workers.repositories import Syncer

COMMITS, QUICK_COMMITS = 100_000, 20_000
NEW = 10
PAGES = 200
LAST_NUMBER = 2**63 - 1
AIM_PAGE_MS = 4.0


def add_commits(folder: Path, count: int, first: int) -> None:
    """Add commits with texts of usual length to `main` of a bare repository."""
    text = b"Change the thing %d\n\nIt was not as it should be, for reasons that are told here.\n"
    lines = []
    for number in range(first, first + count):
        said, at = text % number, 1_600_000_000 + number
        lines.append(
            b"commit refs/heads/main\nauthor User <user%d@example.com> %d +0000\n"
            b"committer User <user%d@example.com> %d +0000\ndata %d\n%s"
            % (number % 500, at, number % 500, at, len(said), said)
            + (b"from refs/heads/main^0\n\n" if number == first and first else b"\n")
        )
    command = ["git", f"--git-dir={folder}", "fast-import", "--quiet"]
    subprocess.run(command, input=b"".join(lines), check=True)


def serve_git(tell: Callable[[int], None], folder: str) -> None:
    """Serve git's own http-backend until the process ends; passes its port to `tell`."""
    path = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout
    uvloop.run(_serve_git(tell, folder, f"{path.strip()}/git-http-backend"))


async def _serve_git(tell: Callable[[int], None], folder: str, backend: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        process = await asyncio.create_subprocess_exec(
            backend,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": folder,
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": request.path,
                "QUERY_STRING": request.query_string,
                "REQUEST_METHOD": request.method,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
                "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
                "REMOTE_ADDR": "127.0.0.1",
                "GIT_CONFIG_COUNT": "2",
                "GIT_CONFIG_KEY_0": "uploadpack.allowFilter",
                "GIT_CONFIG_VALUE_0": "true",
                "GIT_CONFIG_KEY_1": "safe.directory",
                "GIT_CONFIG_VALUE_1": "*",
            },
        )
        printed, _ = await process.communicate(await request.read())
        head, _, body = printed.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        headers.pop("Status", None)
        return web.Response(headers=headers, body=body)

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    tell(runner.addresses[0][1])
    await asyncio.Event().wait()


def sync(config: Config, folder: str, repository_id: UUID) -> float:
    """Seconds of one sync; raises RuntimeError if it fails."""
    return uvloop.run(_sync(config, folder, repository_id))


async def _sync(config: Config, folder: str, repository_id: UUID) -> float:
    database = Database(config)
    await database.open()
    async with database.connection() as conn:
        await conn.execute("UPDATE repositories SET next_at = now() WHERE id = $1", repository_id)
    syncer = Syncer(database, Git(Path(folder), config.outbound_allow), Secrets.from_config(config))
    began = time.perf_counter()
    await syncer.drain()
    took = time.perf_counter() - began
    async with database.connection() as conn:
        status = await conn.fetchval("SELECT status FROM repositories WHERE id = $1", repository_id)
    await database.close()
    if status != "synced":
        raise RuntimeError(f"the repository is {status}")
    return took


def fetch(config: Config, folder: str, url: str) -> float:
    """Seconds of git alone: list refs, fetch the commits, read the whole log and discard it."""
    return uvloop.run(_fetch(config, folder, url))


async def _fetch(config: Config, folder: str, url: str) -> float:
    git = Git(Path(folder), config.outbound_allow)
    began = time.perf_counter()
    await git.list_refs(url)
    head = await git.fetch("floor", url, "main")
    async for _ in git.read_log("floor", head):
        pass
    return time.perf_counter() - began


def read(config: Config, repository_id: UUID) -> list[float]:
    """Milliseconds of successive pages of 50 commits."""
    return uvloop.run(_read(config, repository_id))


async def _read(config: Config, repository_id: UUID) -> list[float]:
    database = Database(config)
    await database.open()
    took, before = [], LAST_NUMBER
    async with database.connection() as conn:
        for _ in range(PAGES):
            began = time.perf_counter()
            rows = await sql.repositories.list_commits(
                conn, repository_id=repository_id, author=None, words=None, since=None, before=before, most=51
            )
            took.append((time.perf_counter() - began) * 1000)
            before = rows[-2]["_n"]
    await database.close()
    return took


def measure(stage: Stage) -> list[Figure]:
    """Measure one repository, from its first sync on."""
    commits = QUICK_COMMITS if stage.size is QUICK else COMMITS
    with tempfile.TemporaryDirectory(dir=stage.home) as home, remote(SERVED) as client:
        remote_folder, cache = Path(home) / "remote.git", str(Path(home) / "cache")
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote_folder)], check=True)
        add_commits(remote_folder, commits, 0)
        with server(REST, serve_git, home) as (_, port):
            config = stage.config(outbound_allow=(f"127.0.0.1:{port}",))
            url = f"http://127.0.0.1:{port}/remote.git"
            ((repository,),) = stage.query(
                """WITH made AS (INSERT INTO projects (name) VALUES ('Linked') RETURNING id)
                INSERT INTO repositories (project_id, url) SELECT id, %s FROM made RETURNING id""",
                url,
            )
            floor = client.call(fetch, config, cache, url)
            first = client.call(sync, config, cache, repository)
            same = [client.call(sync, config, cache, repository) for _ in range(stage.size.rounds)]
            grown = []
            for number in range(stage.size.rounds):
                add_commits(remote_folder, NEW, commits + number * NEW)
                grown.append(client.call(sync, config, cache, repository))
            ((stored,),) = stage.query(
                "SELECT count(*) FROM git_commits WHERE repository_id = %s AND gone_at IS NULL", repository
            )
            if stored != commits + NEW * stage.size.rounds:
                raise RuntimeError(f"{stored} commits are stored")
            pages = client.call(read, config, repository)
    detail = {"commits": commits}
    return [
        Figure("first sync", first, "s", floor / first, "git alone", detail=detail),
        Figure("nothing new", median(same) * 1000, "ms", detail={"rounds": same}),
        Figure(f"{NEW} new commits", median(grown) * 1000, "ms", detail={"rounds": grown}),
        Figure("50 commits, p50", median(pages), "ms", aim=AIM_PAGE_MS, aim_is_value=True, detail=detail),
    ]

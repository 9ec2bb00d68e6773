"""Git's own http-backend on loopback, and repositories to serve."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

TOKEN = "let-me-in"
BACKEND = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()


class Repository:
    """A bare repository whose commits are made with fast-import."""

    def __init__(self, folder: Path, format: str = "sha1") -> None:
        self.folder = folder
        made = ["git", "init", "-q", "--bare", "-b", "main", f"--object-format={format}", str(folder)]
        subprocess.run(made, check=True)

    def git(self, *args: str, data: bytes | None = None) -> str:
        """Run a git command in the repository; return its output, stripped."""
        done = subprocess.run(
            ["git", f"--git-dir={self.folder}", *args], input=data, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def commit(
        self, count: int = 1, branch: str = "main", *, onto: str | None = None, message: str = "Change"
    ) -> None:
        """Add `count` commits to a branch; `onto`: move the branch to follow this commit."""
        lines = []
        known = onto is not None or self.has(branch)
        for number in range(count):
            text = f"{message} {number}\n\nWhy it is so.\n".encode()
            start = onto or f"refs/heads/{branch}^0"
            lines.append(
                b"commit refs/heads/%s\nauthor Ada <ada@example.com> %d +0100\n"
                b"committer Bob <bob@example.com> %d +0000\ndata %d\n%s"
                % (branch.encode(), 1700000000 + number, 1700000000 + number, len(text), text)
                + (f"from {start}\n".encode() if number == 0 and known else b"")
                + b"\n"
            )
        self.git("fast-import", "--quiet", "--force", data=b"".join(lines))

    def has(self, branch: str) -> bool:
        """Whether the branch exists."""
        return bool(self.git("for-each-ref", f"refs/heads/{branch}"))

    def list(self, branch: str = "main") -> list[str]:
        """Return the commit ids of a branch, the newest first."""
        return self.git("rev-list", "--topo-order", branch).split()


class GitServer:
    """Serves the repositories of a folder at /r/.

    Other prefixes misbehave: /auth wants TOKEN, /redirect and /away redirect to /canary (here, at localhost),
    /silent answers after 30 s, /stalled sends half of a fetch, /endless lists branches without end, /blank
    and /broken answer nonsense.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.url = ""
        self.heard: list[str] = []
        # The number of fetches that got only their first half.
        self.stalled = 0

    def make(self, name: str = "one", format: str = "sha1") -> Repository:
        """Create a repository, served at `{url}/r/{name}.git`."""
        return Repository(self.folder / f"{name}.git", format)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of git."""
        kind, _, rest = request.match_info["path"].partition("/")
        self.heard.append(request.path_qs)
        if kind == "redirect":
            raise web.HTTPMovedPermanently(f"{self.url}/canary/{rest}?{request.query_string}")
        if kind == "away":
            away = self.url.replace("127.0.0.1", "localhost")
            raise web.HTTPMovedPermanently(f"{away}/canary/{rest}?{request.query_string}")
        if kind == "silent":
            await asyncio.sleep(30)
        good = "Basic " + base64.b64encode(f"x-token-auth:{TOKEN}".encode()).decode()
        if kind == "auth" and request.headers.get("Authorization") != good:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        if kind == "blank":
            return web.Response(text="hi")
        if kind == "endless":
            return await self._list_without_end(request)
        if kind == "broken":
            return web.Response(
                body=b"001e# service=git-upload-pack\n0000zzzz",
                content_type="application/x-git-upload-pack-advertisement",
            )
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{rest}",
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
        }
        process = await asyncio.create_subprocess_exec(
            f"{BACKEND}/git-http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
        printed, _ = await process.communicate(await request.read())
        head, _, body = printed.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        if kind == "stalled" and b"command=fetch" in await request.read():
            response = web.StreamResponse(status=status, headers=headers)
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
            self.stalled += 1
            await asyncio.sleep(30)
        return web.Response(status=status, headers=headers, body=body)

    async def _list_without_end(self, request: web.Request) -> web.StreamResponse:
        kind = "application/x-git-upload-pack-advertisement"
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        await response.write(b"001e# service=git-upload-pack\n0000")
        for first in itertools.count(0, 2000):
            lines = []
            for number in range(first, first + 2000):
                line = b"%s refs/heads/%0200d\n" % (b"a" * 40, number)
                lines.append(b"%04x%s" % (len(line) + 4, line))
            await response.write(b"".join(lines))
        return response


@asynccontextmanager
async def serve_git(folder: Path, address: str = "127.0.0.1") -> AsyncIterator[GitServer]:
    """Run a server while the block runs."""
    server = GitServer(folder)
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, address, 0)
    await site.start()
    host = f"[{address}]" if ":" in address else address
    server.url = f"http://{host}:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()

"""The git CLI in a closed environment: no setting of this machine counts, and nothing but https leaves it.

A name is looked up here, every address of it is checked by the rule of `integrations.outbound`, and git
connects to those very addresses. No redirect is followed, nothing is asked on a terminal, and whatever a
command has started is killed at its limit.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import shutil
import signal
import socket
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from yarl import URL

from nexcorp.integrations.outbound import Refused, check_url, is_allowed, is_public, read_address

LIST_SECONDS, FETCH_SECONDS, LOCAL_SECONDS = 30.0, 600.0, 120.0
MAX_FILE_BYTES = 1024**3
MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_COMMIT_BYTES = 32 * 1024 * 1024
MAX_ERROR_BYTES = 16 * 1024
MAX_BRANCHES = 5000
# Commits handed over at once: parsing more would hold the loop.
BATCH = 500
CHUNK_BYTES = 128 * 1024
TRACKED = "refs/heads/tracked"
SHA = re.compile(r"[0-9a-f]{40}\Z")
NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^-|^@\Z")
FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%s%x00%b%x00"
FIELDS = 9
LATEST = 253402300799
# A file of the pack may have so many blocks of 512 bytes; no limit would be inherited from elsewhere.
SPAWN = 'ulimit -c 0; ulimit -f "$0"; exec nice -n 10 git "$@"'

SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.askPass": "",
    "core.symlinks": "false",
    "credential.helper": "",
    "protocol.version": "2",
    "http.followRedirects": "false",
    "http.proxy": "",
    "transfer.credentialsInUrl": "die",
    "transfer.bundleURI": "false",
    "fetch.recurseSubmodules": "no",
    "fetch.writeCommitGraph": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "index.threads": "1",
    "safe.bareRepository": "explicit",
}
ENVIRONMENT = {
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
    "GIT_HTTP_LOW_SPEED_TIME": "20",
}
# What git says, and the reason that it stands for; the first that fits.
REASONS = (
    ("requested URL returned error: 30", "redirected"),
    ("unable to update url base from redirection", "redirected"),
    ("Authentication failed", "auth_failed"),
    ("could not read Username", "auth_failed"),
    ("could not read Password", "auth_failed"),
    ("requested URL returned error: 401", "auth_failed"),
    ("requested URL returned error: 403", "auth_failed"),
    ("requested URL returned error: 404", "not_found"),
    ("' not found", "not_found"),
    ("couldn't find remote ref", "branch_gone"),
    ("File too large", "too_large"),
    ("died of signal 25", "too_large"),
    ("invalid index-pack output", "too_large"),
    ("Operation too slow", "too_slow"),
    ("SSL", "tls_failed"),
    ("certificate", "tls_failed"),
    ("Failed to connect", "unreachable"),
    ("Connection refused", "unreachable"),
    ("Could not resolve", "unreachable"),
    ("Recv failure", "unreachable"),
    ("Empty reply from server", "unreachable"),
    ("requested URL returned error: 5", "unreachable"),
)


class GitFailed(Exception):
    """A command failed; `reason` is one of the values of REASONS, `timeout` or `git_failed`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Refs:
    """The branches of a remote, name to commit, and the one that its HEAD is."""

    default: str | None
    heads: dict[str, str]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, its texts cut and without NUL."""

    sha: bytes
    parents: str
    author_name: str
    author_email: str
    authored_at: datetime
    committed_at: datetime
    subject: str
    body: str


def check_repository_url(text: str, allow: Collection[str] = ()) -> URL:
    """The URL of a repository, if its form lets it be asked; raises Refused.

    `allow` is Config.outbound_allow.
    """
    url = check_url(text, allow)
    if url.raw_query_string or url.raw_fragment or "?" in text or "#" in text or len(url.path) < 2:
        raise Refused("url_refused", "Is no address of a repository: it has a path, and no ? or #.")
    return url


def is_branch(name: str) -> bool:
    """Whether a branch may be called so, by the rules of `git check-ref-format`."""
    parts = name.split("/")
    return (
        not NO_BRANCH.search(name)
        and not name.endswith(".")
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    )


async def pin(text: str, allow: Collection[str] = ()) -> tuple[URL, str]:
    """The URL, and `host:port:addresses` for git to connect to; raises Refused.

    All addresses of a name must be public. `host_unknown` where the name leads nowhere.
    """
    url = check_repository_url(text, allow)
    host, port = (url.raw_host or "").lower(), url.port
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused("host_unknown", "Names a host that nobody knows.") from None
    addresses = sorted({str(entry[4][0]) for entry in found})
    if not is_allowed(url, allow):
        parsed = [read_address(address) for address in addresses]
        if not all(address is not None and is_public(address) for address in parsed):
            raise Refused("address_refused", "Leads to an address that is not public.")
    listed = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
    return url, f"{host}:{port}:{listed}"


def make_environment(protocol: str, settings: Mapping[str, str]) -> dict[str, str]:
    """All that a command gets of its surroundings; settings travel here, so that `ps` shows no token."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), **ENVIRONMENT, "GIT_ALLOW_PROTOCOL": protocol}
    for number, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    return environment


class Git:
    """Runs git for repositories whose commits are kept in `folder`, a cache that may vanish at any time.

    `allow` is Config.outbound_allow, `max_bytes` the most that one file of a repository may have.
    """

    def __init__(
        self,
        folder: Path,
        allow: Collection[str] = (),
        *,
        max_bytes: int = MAX_FILE_BYTES,
        list_seconds: float = LIST_SECONDS,
        fetch_seconds: float = FETCH_SECONDS,
    ) -> None:
        self.folder, self.allow, self.max_bytes = folder, allow, max_bytes
        self.list_seconds, self.fetch_seconds = list_seconds, fetch_seconds

    async def list_refs(self, url: str, token: str | None = None) -> Refs:
        """The branches of a remote; raises Refused or GitFailed."""
        text = await self._ask(
            url, token, "ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*", seconds=self.list_seconds
        )
        default, heads = None, {}
        for line in text.decode("utf-8", "replace").splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: refs/heads/") and name == "HEAD":
                default = value.removeprefix("ref: refs/heads/")
            elif name.startswith("refs/heads/") and SHA.match(value):
                heads[name.removeprefix("refs/heads/")] = value
        return Refs(default, heads)

    async def fetch(self, name: str, url: str, branch: str, token: str | None = None) -> str:
        """Bring the commits of a branch, without files, into the cache `name`; returns the newest one.

        What a killed command left behind is thrown away, and all is fetched again. Raises Refused or
        GitFailed.
        """
        if not is_branch(branch):
            raise GitFailed("branch_gone")
        try:
            return await self._fetch(name, url, branch, token)
        except GitFailed as error:
            await self.forget(name)
            if error.reason != "git_failed":
                raise
        try:
            return await self._fetch(name, url, branch, token)
        except GitFailed:
            await self.forget(name)
            raise

    async def _fetch(self, name: str, url: str, branch: str, token: str | None) -> str:
        folder = self.folder / name
        if not (folder / "HEAD").exists():
            folder.mkdir(parents=True, exist_ok=True)
            await self._run("init", "-q", "--bare", str(folder))
        await self._ask(
            url,
            token,
            f"--git-dir={folder}",
            "fetch",
            "-q",
            "--no-tags",
            "--no-write-fetch-head",
            "--force",
            "--filter=tree:0",
            "--",
            url,
            f"+refs/heads/{branch}:{TRACKED}",
            seconds=self.fetch_seconds,
        )
        return (await self._local(name, "rev-parse", "--verify", TRACKED)).decode().strip()

    async def has_commit(self, name: str, sha: str) -> bool:
        """Whether a commit is in the cache."""
        try:
            await self._local(name, "cat-file", "-e", f"{sha}^{{commit}}")
        except GitFailed:
            return False
        return True

    async def list_lost(self, name: str, old: str, new: str) -> list[bytes]:
        """Commits that one leads to and another does not."""
        return [
            bytes.fromhex(sha)
            for sha in (await self._local(name, "rev-list", old, f"^{new}", "--")).decode().split()
        ]

    async def read_log(
        self, name: str, new: str, old: str | None = None
    ) -> AsyncGenerator[list[Commit], None]:
        """Commits up to `new`, without those that `old` leads to, parents first, BATCH at a time."""
        wanted = [new, f"^{old}"] if old else [new]
        process = await self._spawn(
            make_environment("", SETTINGS),
            f"--git-dir={self.folder / name}",
            "log",
            "-z",
            "--topo-order",
            "--reverse",
            "--no-color",
            "--no-show-signature",
            f"--format={FORMAT}",
            *wanted,
            "--",
            quiet=True,
        )
        printed = cast(asyncio.StreamReader, process.stdout)
        rest, fields = b"", list[bytes]()
        try:
            while chunk := await printed.read(CHUNK_BYTES):
                *whole, rest = (rest + chunk).split(b"\0")
                if len(rest) > MAX_COMMIT_BYTES:
                    raise GitFailed("too_large")
                fields += whole
                while len(fields) >= BATCH * FIELDS:
                    yield [read_commit(fields[at : at + FIELDS]) for at in range(0, BATCH * FIELDS, FIELDS)]
                    del fields[: BATCH * FIELDS]
            if await process.wait():
                raise GitFailed("git_failed")
            if fields:
                yield [read_commit(fields[at : at + FIELDS]) for at in range(0, len(fields), FIELDS)]
        finally:
            await end(process)

    async def forget(self, name: str) -> None:
        """Throw a cache away."""
        await asyncio.to_thread(shutil.rmtree, self.folder / name, ignore_errors=True)

    async def _local(self, name: str, *args: str) -> bytes:
        return await self._run(f"--git-dir={self.folder / name}", *args)

    async def _ask(self, text: str, token: str | None, *args: str, seconds: float) -> bytes:
        url, addresses = await pin(text, self.allow)
        settings = {**SETTINGS, "http.curloptResolve": addresses}
        if token is not None:
            credentials = base64.b64encode(f"x-token:{token}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {credentials}"
        return await self._run(*args, environment=make_environment(url.scheme, settings), seconds=seconds)

    async def _run(
        self, *args: str, environment: Mapping[str, str] | None = None, seconds: float = LOCAL_SECONDS
    ) -> bytes:
        """What a command prints; raises GitFailed."""
        process = await self._spawn(environment or make_environment("", SETTINGS), *args)
        errors = asyncio.create_task(read_end(cast(asyncio.StreamReader, process.stderr)))
        try:
            async with asyncio.timeout(seconds):
                printed = await read_all(cast(asyncio.StreamReader, process.stdout))
                said = await errors
                code = await process.wait()
        except TimeoutError:
            raise GitFailed("timeout") from None
        finally:
            errors.cancel()
            await end(process)
        if code:
            raise GitFailed(next((reason for words, reason in REASONS if words in said), "git_failed"))
        return printed

    async def _spawn(
        self, environment: Mapping[str, str], *args: str, quiet: bool = False
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            SPAWN,
            str(self.max_bytes // 512),
            *args,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL if quiet else asyncio.subprocess.PIPE,
            start_new_session=True,
        )


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill a command and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def read_all(stream: asyncio.StreamReader) -> bytes:
    """All of it; raises GitFailed over MAX_LIST_BYTES."""
    found = bytearray()
    while chunk := await stream.read(CHUNK_BYTES):
        found += chunk
        if len(found) > MAX_LIST_BYTES:
            raise GitFailed("too_large")
    return bytes(found)


async def read_end(stream: asyncio.StreamReader) -> str:
    """The last MAX_ERROR_BYTES of it."""
    found = b""
    while chunk := await stream.read(CHUNK_BYTES):
        found = (found + chunk)[-MAX_ERROR_BYTES:]
    return found.decode("utf-8", "replace")


def read_commit(fields: list[bytes]) -> Commit:
    """A commit of the fields of FORMAT."""
    return Commit(
        bytes.fromhex(fields[0].decode()),
        fields[1].decode(),
        cut(fields[2], 200),
        cut(fields[3], 200),
        read_time(fields[4]),
        read_time(fields[5]),
        cut(fields[6], 500),
        cut(fields[7].strip(), 4000),
    )


def cut(text: bytes, most: int) -> str:
    """The first characters of a text, whatever its bytes are."""
    return text[: most * 4].decode("utf-8", "replace").replace("\0", "")[:most]


def read_time(text: bytes) -> datetime:
    """A time in seconds, which may be anything."""
    try:
        return datetime.fromtimestamp(max(0, min(int(text), LATEST)), UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)

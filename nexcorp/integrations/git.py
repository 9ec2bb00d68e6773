"""The git CLI in a closed environment: it ignores this machine's git settings, and only uses https.

Host names are looked up here, each address is checked by the rule of `integrations.outbound`, and git
connects to those addresses. No redirect is followed, nothing is asked on a terminal, and all processes of a
command are killed at its time limit.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import socket
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from yarl import URL

from nexcorp.integrations.git_commands import (
    CHUNK_BYTES,
    LOCAL_SECONDS,
    SETTINGS,
    GitFailed,
    end,
    make_environment,
    run,
    spawn,
)
from nexcorp.integrations.git_log import FIELDS, FORMAT, Commit, read_commit
from nexcorp.integrations.outbound import (
    Failed,
    Outbound,
    Refused,
    check_url,
    is_allowed,
    is_public,
    name_host,
    read_address,
)

MAX_COMMIT_BYTES = 32 * 1024 * 1024
MAX_BRANCHES = 5000
# Commits yielded at once: parsing more would block the event loop.
BATCH = 500
LIST_SECONDS, FETCH_SECONDS = 30.0, 600.0
MAX_FILE_BYTES = 1024**3
# Each fetch adds a pack, and nothing repacks them: with more than this many, all is fetched again.
MAX_PACKS = 200
# Failures for which the cache itself may be the cause.
SPOILING = ("git_failed", "too_large")
TARGET_SECONDS = 5.0
TRACKED = "refs/heads/tracked"
SHA = re.compile(r"[0-9a-f]{40}\Z")
SHA_CHARS = 40
NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^-|^(@|HEAD)\Z")


@dataclass(frozen=True, slots=True)
class Refs:
    """The branches of a remote, name to commit, and the branch of its HEAD."""

    default: str | None
    heads: dict[str, str]


def check_repository_url(text: str, allow: Collection[str] = ()) -> URL:
    """Return the URL of a repository if its form is acceptable; raises Refused.

    `allow` is Config.outbound_allow.
    """
    url = check_url(text, allow)
    if url.raw_query_string or url.raw_fragment or "?" in text or "#" in text or len(url.path) < 2:
        raise Refused("url_refused", "Is no address of a repository: it has a path, and no ? or #.")
    return url


def is_branch(name: str) -> bool:
    """Whether a branch may have this name, by the rules of `git check-ref-format`."""
    parts = name.split("/")
    return (
        not NO_BRANCH.search(name)
        and not name.endswith(".")
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    )


async def pin(text: str, allow: Collection[str] = ()) -> tuple[URL, str]:
    """Return the URL, and `host:port:addresses` for git to connect to, empty for an IPv6 address, which git
    does not look up; raises Refused.

    All addresses of a name must be public. `host_unknown`: the name has no address.
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
    if ":" in host:
        return url, ""
    listed = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
    return url, f"{host}:{port}:{listed}"


class Git:
    """Runs git for repositories whose commits are kept in `folder`, a cache that may vanish at any time.

    `allow` is Config.outbound_allow, `max_bytes` the largest size of a file in a repository's cache.
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
        """Return the branches of a remote; raises Refused or GitFailed."""
        text = await self._ask(
            url, token, "ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*", seconds=self.list_seconds
        )
        default, heads = None, {}
        for line in text.decode("utf-8", "replace").splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: refs/heads/") and name == "HEAD":
                default = value.removeprefix("ref: refs/heads/")
            elif len(value) > SHA_CHARS and name.startswith("refs/heads/"):
                # A repository of SHA-256 cannot be read; it must not seem empty.
                raise GitFailed("git_failed")
            elif name.startswith("refs/heads/") and SHA.match(value):
                heads[name.removeprefix("refs/heads/")] = value
        return Refs(default, heads)

    async def find_target(self, text: str) -> str | None:
        """Return the target of a host's redirect, without following it; None if it is not acceptable.

        It must be on the same host; the request is sent without the token.
        """
        door = Outbound(self.allow, connections=1)
        service = "info/refs?service=git-upload-pack"
        try:
            answer = await door.request(
                "GET", f"{text.rstrip('/')}/{service}", headers={}, seconds=TARGET_SECONDS, body_seconds=0.0
            )
            asked, target = URL(text), URL(text).join(URL(answer.headers.get("Location", "")))
            found = str(target.with_query(None)).removesuffix("/info/refs")
            url = check_repository_url(found, self.allow)
        except (Refused, Failed, ValueError):
            return None
        finally:
            await door.close()
        same = (url.scheme, name_host(url), url.port) == (asked.scheme, name_host(asked), asked.port)
        return found if same and found != text else None

    async def fetch(self, name: str, url: str, branch: str, token: str | None = None) -> str:
        """Fetch the commits of a branch, without files, into the cache `name`; return the newest one.

        A cache that is broken or too large is deleted; after `git_failed` all is fetched again at once. Other
        failures, as of the network, leave it. Raises Refused or GitFailed.
        """
        if not is_branch(branch):
            raise GitFailed("branch_gone")
        try:
            return await self._fetch(name, url, branch, token)
        except GitFailed as error:
            await self._clear(name, error.reason)
            if error.reason != "git_failed":
                raise
        try:
            return await self._fetch(name, url, branch, token)
        except GitFailed as error:
            await self._clear(name, error.reason)
            raise

    async def _clear(self, name: str, reason: str) -> None:
        """Free the space of what a failed fetch left; the whole cache, if that may be what failed."""
        if reason in SPOILING:
            await self.forget(name)
        else:
            await asyncio.to_thread(tidy, self.folder / name)

    async def _fetch(self, name: str, url: str, branch: str, token: str | None) -> str:
        folder = self.folder / name
        # A worker may have been killed.
        if await asyncio.to_thread(tidy, folder) > MAX_PACKS:
            await self.forget(name)
        if not (folder / "HEAD").exists():
            folder.mkdir(parents=True, exist_ok=True)
            await run(
                make_environment("", SETTINGS), "init", "-q", "--bare", str(folder), max_bytes=self.max_bytes
            )
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
        """Return the commits that `old` has and `new` does not."""
        return [
            bytes.fromhex(sha)
            for sha in (await self._local(name, "rev-list", old, f"^{new}", "--")).decode().split()
        ]

    async def read_log(
        self, name: str, new: str, old: str | None = None
    ) -> AsyncGenerator[list[Commit], None]:
        """Yield the commits of `new` that `old` does not have, parents first, BATCH at a time."""
        wanted = [new, f"^{old}"] if old else [new]
        process = await spawn(
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
            max_bytes=self.max_bytes,
            quiet=True,
        )
        printed = cast(asyncio.StreamReader, process.stdout)
        rest, fields = b"", list[bytes]()
        try:
            while chunk := await read_some(printed):
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
        """Delete a cache."""
        await asyncio.to_thread(shutil.rmtree, self.folder / name, ignore_errors=True)

    async def _local(self, name: str, *args: str) -> bytes:
        return await run(
            make_environment("", SETTINGS),
            f"--git-dir={self.folder / name}",
            *args,
            max_bytes=self.max_bytes,
        )

    async def _ask(self, text: str, token: str | None, *args: str, seconds: float) -> bytes:
        url, addresses = await pin(text, self.allow)
        settings = {**SETTINGS, "http.curloptResolve": addresses}
        if token is not None:
            credentials = base64.b64encode(f"x-token-auth:{token}".encode()).decode()
            settings["http.extraHeader"] = f"Authorization: Basic {credentials}"
        return await run(
            make_environment(url.scheme, settings), *args, max_bytes=self.max_bytes, seconds=seconds
        )


async def read_some(printed: asyncio.StreamReader) -> bytes:
    """Return the next bytes, or b"" at the end; raises GitFailed if none come in LOCAL_SECONDS."""
    try:
        async with asyncio.timeout(LOCAL_SECONDS):
            return await printed.read(CHUNK_BYTES)
    except TimeoutError:
        raise GitFailed("timeout") from None


def tidy(folder: Path) -> int:
    """Delete what killed commands left in a cache, files that git has not renamed yet; return the number of
    its packs. Blocks."""
    packs = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if name.startswith("tmp_") or name.endswith(".lock"):
                Path(place, name).unlink(missing_ok=True)
        packs += sum(name.endswith(".pack") for name in names)
    return packs

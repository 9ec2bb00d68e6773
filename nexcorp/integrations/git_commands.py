"""Runs git in a closed environment, with limits, and ends every process that a command started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import cast

LOCAL_SECONDS = 120.0
MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_ERROR_BYTES = 16 * 1024
CHUNK_BYTES = 128 * 1024
# The folders of git and its helpers; nothing else of the environment is passed on.
PATH = os.pathsep.join([os.path.dirname(shutil.which("git") or "/usr/bin/git"), os.defpath])
# The first version with http.curloptResolve: an older git would look names up itself, unchecked.
LEAST_VERSION = (2, 37)
# Memory limit of one process, in bytes: a remote may name endless branches, which git keeps in memory.
MAX_MEMORY_BYTES = 1024**3
# $0: largest file in blocks of 512 bytes, $1: memory of a process in KiB, where the system has that limit.
# The input ends when the parent process dies, in whatever way: then everything here is killed, too.
SPAWN = """
ulimit -c 0; ulimit -f "$0"; ulimit -v "$1" 2>/dev/null; shift; exec 3<&0 </dev/null
nice -n 10 git "$@" 3<&- & git=$!
{ read -r _ <&3; kill -9 0; } >/dev/null 2>&1 & watch=$!
wait $git; code=$?
{ kill -9 $watch; wait $watch; } 2>/dev/null
exit $code
"""

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
    "fetch.unpackLimit": "1",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.packedGitWindowSize": "32m",
    "core.packedGitLimit": "256m",
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
# Words of git's error output, and their reason; the first match counts.
REASONS = (
    ("requested URL returned error: 30", "redirected"),
    ("unable to update url base from redirection", "redirected"),
    ("Authentication failed", "auth_failed"),
    ("could not read Username", "auth_failed"),
    ("could not read Password", "auth_failed"),
    ("requested URL returned error: 401", "auth_failed"),
    ("requested URL returned error: 403", "auth_failed"),
    ("requested URL returned error: 404", "not_found"),
    ("requested URL returned error: 410", "not_found"),
    ("' not found", "not_found"),
    ("couldn't find remote ref", "branch_gone"),
    ("File too large", "too_large"),
    ("died of signal 25", "too_large"),
    ("ut of memory", "too_large"),
    ("early EOF", "git_failed"),
    ("inflate", "git_failed"),
    ("pack has bad", "git_failed"),
    ("remote error", "git_failed"),
    ("invalid index-pack output", "too_large"),
    ("Operation too slow", "too_slow"),
    ("SSL", "tls_failed"),
    ("TLS", "tls_failed"),
    ("certificate", "tls_failed"),
    ("Failed to connect", "unreachable"),
    ("Connection refused", "unreachable"),
    ("Could not resolve", "unreachable"),
    ("Recv failure", "unreachable"),
    ("Empty reply from server", "unreachable"),
    ("requested URL returned error: 5", "unreachable"),
    ("requested URL returned error: 429", "unreachable"),
)


class GitFailed(Exception):
    """A command failed; `reason` is one of the values of REASONS, `timeout` or `git_failed`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def read_version() -> tuple[int, ...] | None:
    """Return the version of git, as (2, 39, 5), or None without git. Blocks."""
    try:
        done = subprocess.run(
            ["git", "--version"], env={"PATH": PATH}, capture_output=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(rb"\d+(\.\d+)+", done.stdout)
    return tuple(int(part) for part in found[0].split(b".")) if found else None


def find_problem(version: tuple[int, ...] | None) -> str | None:
    """Return why this git cannot sync repositories, or None if it can."""
    if version is None:
        return "there is no git"
    if version < LEAST_VERSION:
        return f"git {'.'.join(map(str, version))} is too old: 2.37 or newer is needed"
    return None


def make_environment(protocol: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return a command's whole environment. Settings are passed in it, so that `ps` shows no token."""
    environment = {"PATH": PATH, **ENVIRONMENT, "GIT_ALLOW_PROTOCOL": protocol}
    for number, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    return environment


async def run(
    environment: Mapping[str, str], *args: str, max_bytes: int, seconds: float = LOCAL_SECONDS
) -> bytes:
    """Return a command's output; raises GitFailed, also after `seconds`. `max_bytes`: limit of each file."""
    process = await spawn(environment, *args, max_bytes=max_bytes)
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
        # Remove addresses, as they may contain any words.
        for text in args:
            said = said.replace(text, "")
        raise GitFailed(next((reason for words, reason in REASONS if words in said), "git_failed"))
    return printed


async def spawn(
    environment: Mapping[str, str], *args: str, max_bytes: int, quiet: bool = False
) -> asyncio.subprocess.Process:
    """Start a command in its own session; end it with end(). `quiet`: discard its error output."""
    return await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        SPAWN,
        str(max_bytes // 512),
        str(MAX_MEMORY_BYTES // 1024),
        *args,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL if quiet else asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill a command and every process that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def read_all(stream: asyncio.StreamReader) -> bytes:
    """Return the whole output; raises GitFailed over MAX_LIST_BYTES."""
    found = bytearray()
    while chunk := await stream.read(CHUNK_BYTES):
        found += chunk
        if len(found) > MAX_LIST_BYTES:
            raise GitFailed("too_large")
    return bytes(found)


async def read_end(stream: asyncio.StreamReader) -> str:
    """Return the last MAX_ERROR_BYTES of the output."""
    found = b""
    while chunk := await stream.read(CHUNK_BYTES):
        found = (found + chunk)[-MAX_ERROR_BYTES:]
    return found.decode("utf-8", "replace")

"""Unmodified y-websocket providers under Node, driven from Python; npm's packages are installed once."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sql.kept import cache_folder

HERE = Path(__file__).parent / "js"
INSTALL_SECONDS = 120


def install() -> Path:
    """Return a folder with the packages of package-lock.json; skip the test without Node, npm or packages."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs Node and npm")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = cache_folder().with_name("nexcorp-editors") / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
            try:
                done = subprocess.run(
                    command, cwd=folder, timeout=INSTALL_SECONDS, capture_output=True, text=True, check=False
                )
            except subprocess.TimeoutExpired:
                pytest.skip(f"npm ci took longer than {INSTALL_SECONDS} s")
            if done.returncode:
                pytest.skip(f"npm ci: {done.stderr.strip()[-300:]}")
            (folder / "complete").touch()
    return folder


class Editors:
    """The editors of one Node process: `await editors.open(...)` calls `open` in editors.mjs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls) -> Editors:
        """Start Node; return its editors."""
        folder = await asyncio.to_thread(install)
        process = await asyncio.create_subprocess_exec(
            "node",
            HERE / "editors.mjs",
            folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=16 * 1024 * 1024,
        )
        return cls(process)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            answer = json.loads(line)
            call = self._calls.pop(answer["id"])
            if call.done():
                continue
            if "error" in answer:
                call.set_exception(AssertionError(answer["error"]))
            else:
                call.set_result(answer["value"])
        for call in self._calls.values():
            if not call.done():
                call.set_exception(AssertionError("Node has ended"))

    def __getattr__(self, name: str) -> Any:
        async def call(**arguments: Any) -> Any:
            assert self.process.stdin is not None
            number = max(self._calls, default=0) + 1
            found = self._calls[number] = asyncio.get_running_loop().create_future()
            line = json.dumps({"id": number, "call": name, **arguments}) + "\n"
            self.process.stdin.write(line.encode())
            async with asyncio.timeout(60):
                return await found

        return call

    async def close(self) -> None:
        """End Node, and all its sockets with it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()
        await self._reading

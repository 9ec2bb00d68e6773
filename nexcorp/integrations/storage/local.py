"""Files in a folder of this machine, served by the service itself at /media."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from nexcorp.config import Config
from nexcorp.integrations.storage.contents import Contents
from nexcorp.integrations.storage.disk import storing
from nexcorp.integrations.storage.stores import Placed
from nexcorp.integrations.storage.threads import Threads
from nexcorp.integrations.storage.thumbnails import make_thumbnail

# The only names there are below MEDIA_ROOT: no path of another shape is ever opened.
KEY = re.compile(r"^([0-9a-f]{32}\.[a-z0-9]{2,4})(\.thumb\.webp)?\Z")
THUMB = ".thumb.webp"


class LocalStore:
    """MEDIA_ROOT, with a folder for every first two digits of a key."""

    name = "local"

    def __init__(self, config: Config) -> None:
        self.root, self.incoming = config.media_path, config.incoming_path
        self._base = f"{config.public_url.rstrip('/')}/media/"
        self._threads = Threads("local-store", 2, 64)

    def make_key(self, contents: Contents) -> str:
        """128 random bits, and the extension of the type."""
        return secrets.token_hex(16) + contents.extension

    def path_of(self, key: str) -> Path:
        """Where a file is; raises ValueError for what is no key."""
        if not KEY.match(key):
            raise ValueError("no key of the local store")
        return self.root / key[:2] / key

    def original_of(self, key: str) -> str | None:
        """The key of the file that this one belongs to: itself, or what it is the thumbnail of."""
        match = KEY.match(key)
        return match[1] if match else None

    async def put(self, path: Path, key: str, contents: Contents) -> Placed:
        """Move the file to its place; it is on the disk when this returns."""
        with storing():
            await self._threads.run(self._move, path, self.path_of(key))
        return Placed(self._base + key)

    def _move(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(source, "rb") as file:
            os.fsync(file.fileno())
        source.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    async def make_thumbnail(self, key: str) -> str:
        """Make the thumbnail of an image; returns its URL. Raises OSError or ValueError where it cannot."""
        target = self.path_of(key + THUMB)
        await self._threads.run(self._derive, self.path_of(key), target)
        return self._base + key + THUMB

    def _derive(self, source: Path, target: Path) -> None:
        # Elsewhere first: half a thumbnail is never served, and what a killed worker leaves there is swept.
        self.incoming.mkdir(parents=True, exist_ok=True)
        unfinished = self.incoming / f"{secrets.token_hex(16)}.webp"
        try:
            make_thumbnail(source, unfinished)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    async def remove(self, key: str, media_type: str) -> None:
        """Delete the file and its thumbnail."""
        with storing():
            await self._threads.run(self._unlink, key)

    def _unlink(self, key: str) -> None:
        self.path_of(key).unlink(missing_ok=True)
        self.path_of(key + THUMB).unlink(missing_ok=True)

    async def list_old(self, seconds: float) -> list[Path]:
        """Files that have not changed for so long: to be asked about."""
        return await self._threads.run(lambda: list(self._walk(seconds)))

    def _walk(self, seconds: float) -> Iterator[Path]:
        before = time.time() - seconds
        for folder in self.root.glob("[0-9a-f][0-9a-f]"):
            for path in folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < before:
                        yield path

    async def clear_incoming(self, seconds: float) -> int:
        """Delete what a process that was killed had begun to receive; returns how many files that were."""
        return await self._threads.run(self._clear_incoming, seconds)

    def _clear_incoming(self, seconds: float) -> int:
        before, count = time.time() - seconds, 0
        for path in self.incoming.iterdir() if self.incoming.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    count += 1
        return count

    async def delete(self, paths: list[Path]) -> None:
        """Delete files that no row knows."""

        def unlink_all() -> None:
            for path in paths:
                path.unlink(missing_ok=True)

        await self._threads.run(unlink_all)

    def close(self) -> None:
        """Let go of threads."""
        self._threads.close()

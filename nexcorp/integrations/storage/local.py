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

# The only names below MEDIA_ROOT: no path of another form is ever opened.
KEY = re.compile(r"^([0-9a-f]{32}\.[a-z0-9]{2,4})(\.thumb\.webp)?\Z")
THUMB = ".thumb.webp"


class LocalStore:
    """The folder MEDIA_ROOT, with a subfolder for the first two digits of each key."""

    name = "local"

    def __init__(self, config: Config) -> None:
        self.root, self.incoming = config.media_path, config.incoming_path
        self._base = f"{config.public_url.rstrip('/')}/media/"
        self._threads = Threads("local-store", 2, 64)

    def make_key(self, contents: Contents) -> str:
        """Return a new key: 128 random bits, and the extension of the type."""
        return secrets.token_hex(16) + contents.extension

    def path_of(self, key: str) -> Path:
        """Return the path of a file; raises ValueError for an invalid key."""
        if not KEY.match(key):
            raise ValueError("no key of the local store")
        return self.root / key[:2] / key

    def original_of(self, key: str) -> str | None:
        """Return the key of the original file: of a thumbnail its image, otherwise the key itself."""
        match = KEY.match(key)
        return match[1] if match else None

    async def put(self, path: Path, key: str, contents: Contents) -> Placed:
        """Move the file to its place, and flush it to the disk."""
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
        """Make the thumbnail of an image; return its URL. Raises OSError or ValueError if that fails."""
        target = self.path_of(key + THUMB)
        await self._threads.run(self._derive, self.path_of(key), target)
        return self._base + key + THUMB

    def _derive(self, source: Path, target: Path) -> None:
        # In `incoming` first: half a thumbnail is never served, and remains of a killed worker are swept.
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
        """Return the files that have not changed for `seconds`, which may be orphans."""
        return await self._threads.run(lambda: list(self._walk(seconds)))

    def _walk(self, seconds: float) -> Iterator[Path]:
        before = time.time() - seconds
        for folder in self.root.glob("[0-9a-f][0-9a-f]"):
            for path in folder.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < before:
                        yield path

    async def clear_incoming(self, seconds: float) -> int:
        """Delete remains of uploads that killed processes were receiving; return the number of files."""
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
        """Delete files that no row refers to."""

        def unlink_all() -> None:
            for path in paths:
                path.unlink(missing_ok=True)

        await self._threads.run(unlink_all)

    def close(self) -> None:
        """Shut the threads down."""
        self._threads.close()

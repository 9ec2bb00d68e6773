"""What a store can do, and which stores there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nexcorp.config import Config
from nexcorp.integrations.storage.contents import Contents


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a file is now; `thumbnail_url` is None where a thumbnail has still to be made."""

    url: str
    thumbnail_url: str | None = None


class Store(Protocol):
    """A place for files. Every method raises StorageUnavailable where it cannot be reached."""

    name: str

    def make_key(self, contents: Contents) -> str:
        """What a new file is to be called: nobody can guess it."""

    async def put(self, path: Path, key: str, contents: Contents) -> Placed:
        """Keep a file. The file at `path` may be gone afterwards."""

    async def remove(self, key: str, media_type: str) -> None:
        """Let a file and its thumbnail go; one that is gone already is no error."""

    def close(self) -> None:
        """Let go of threads."""


def make_stores(config: Config) -> dict[str, Store]:
    """Every store there is, by name: the first is for what comes in, the others still hold older files."""
    # cloudinary is imported only where it is used: it takes a third of a second.
    from nexcorp.integrations.storage.local import LocalStore

    stores: list[Store] = [LocalStore(config)]
    if config.cloudinary_url:
        from nexcorp.integrations.storage.cloud import CloudStore

        stores.insert(0, CloudStore(config))
    return {store.name: store for store in stores}

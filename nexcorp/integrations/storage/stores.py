"""The interface of a store, and the stores of these settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nexcorp.config import Config
from nexcorp.integrations.storage.contents import Contents


@dataclass(frozen=True, slots=True)
class Placed:
    """The address of a stored file; `thumbnail_url` is None if a thumbnail has still to be made."""

    url: str
    thumbnail_url: str | None = None


class Store(Protocol):
    """A place for files. Every method raises StorageUnavailable if it cannot be reached."""

    name: str

    def make_key(self, contents: Contents) -> str:
        """Return a name for a new file, which nobody can guess."""

    async def put(self, path: Path, key: str, contents: Contents) -> Placed:
        """Store the file at `path`, which may be gone afterwards."""

    async def remove(self, key: str, media_type: str) -> None:
        """Delete a file and its thumbnail; a missing one is no error."""

    def close(self) -> None:
        """Shut the threads down."""


def make_stores(config: Config) -> dict[str, Store]:
    """Return the stores by name: the first takes new files, the others still hold older ones."""
    # cloudinary is imported only if needed: importing takes a third of a second.
    from nexcorp.integrations.storage.local import LocalStore

    stores: list[Store] = [LocalStore(config)]
    if config.cloudinary_url:
        from nexcorp.integrations.storage.cloud import CloudStore

        stores.insert(0, CloudStore(config))
    return {store.name: store for store in stores}

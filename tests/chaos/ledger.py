"""Ledgers: each intended write on disk before it is sent, and each acknowledgement after it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID


@dataclass
class Entry:
    """One intended write: the people who must be notified, and the ids with which it was acknowledged."""

    key: str
    post_id: UUID
    author_id: UUID
    body: str
    receivers: frozenset[UUID]
    ids: list[UUID] = field(default_factory=list)


class Ledger:
    """The file of one writer. Each method returns once its line is synced to the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)

    async def intend(self, entry: Entry) -> None:
        """Note a write before it is sent."""
        await self._append(
            {
                "key": entry.key,
                "post": str(entry.post_id),
                "author": str(entry.author_id),
                "body": entry.body,
                "receivers": sorted(str(receiver) for receiver in entry.receivers),
            }
        )

    async def acknowledge(self, key: str, written_id: UUID) -> None:
        """Note the id with which the service acknowledged the write."""
        await self._append({"key": key, "id": str(written_id)})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    async def _append(self, line: dict[str, Any]) -> None:
        await asyncio.to_thread(self._write, json.dumps(line).encode() + b"\n")

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        os.fsync(self._file.fileno())


def read_ledgers(paths: Iterable[Path]) -> dict[str, Entry]:
    """Return every entry of these files, by key."""
    entries: dict[str, Entry] = {}
    for path in paths:
        for text in path.read_text().splitlines():
            line = json.loads(text)
            if "id" in line:
                entries[line["key"]].ids.append(UUID(line["id"]))
            else:
                entries[line["key"]] = Entry(
                    key=line["key"],
                    post_id=UUID(line["post"]),
                    author_id=UUID(line["author"]),
                    body=line["body"],
                    receivers=frozenset(UUID(receiver) for receiver in line["receivers"]),
                )
    return entries

"""The files of a backup: copied with checksums, synced to disk, and verified when read back."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nexcorp.backups.programs import BackupError
from nexcorp.integrations.storage.local import KEY

FORMAT = 1
DUMP, MEDIA, SUMS, MANIFEST = "database.dump", "media", "SHA256SUMS", "manifest.json"
LINE = re.compile(r"([0-9a-f]{64})  (.+)")
PIECE = 1 << 20


def digest(path: Path) -> str:
    """Return the SHA-256 of a file; raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Sync a file, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy(source: Path, target: Path) -> str:
    """Copy a file to a new name and sync it to disk; return its SHA-256."""
    sha = hashlib.sha256()
    with open(source, "rb") as original, open(target, "xb") as file:
        while piece := original.read(PIECE):
            sha.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return sha.hexdigest()


def write(path: Path, text: str) -> None:
    """Write a new file and sync it to disk."""
    with open(path, "x") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def list_media(root: Path) -> Iterator[str]:
    """Yield the paths of uploads below MEDIA_ROOT, as `ab/abcd....png`, without other files."""
    for folder in sorted(root.glob("[0-9a-f][0-9a-f]")):
        for name in sorted(os.listdir(folder)):
            if is_upload(f"{folder.name}/{name}"):
                yield f"{folder.name}/{name}"


def is_upload(path: str) -> bool:
    """Return whether a path is that of an upload or a thumbnail below MEDIA_ROOT."""
    folder, _, name = path.partition("/")
    return bool(KEY.match(name)) and folder == name[:2]


def write_sums(folder: Path, sums: dict[str, str]) -> str:
    """Write SHA256SUMS; return its own SHA-256."""
    text = "".join(f"{found}  {name}\n" for name, found in sorted(sums.items()))
    write(folder / SUMS, text)
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a backup; raises BackupError if there is none, or its format is unknown."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except OSError:
        raise BackupError(f"{folder} is no backup: it has no readable {MANIFEST}") from None
    except ValueError:
        raise BackupError(f"{folder / MANIFEST} is damaged") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BackupError(f"{folder} has a format that this release does not know")
    return manifest


def verify(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Read every file of a backup and compare its checksum; return the paths of its uploads.

    Raises BackupError naming the damaged and missing files.
    """
    wrong = []
    if not (folder / SUMS).exists() or digest(folder / SUMS) != manifest.get("sums"):
        raise BackupError(f"{folder / SUMS} is damaged or missing")
    lines = [LINE.fullmatch(line) for line in (folder / SUMS).read_text().splitlines()]
    sums = {line[2]: line[1] for line in lines if line}
    uploads = [name.removeprefix(f"{MEDIA}/") for name in sums if name != DUMP]
    if DUMP not in sums or not all(map(is_upload, uploads)):
        raise BackupError(f"{folder / SUMS} names files that no backup has")
    for name, expected in sums.items():
        try:
            if digest(folder / name) != expected:
                wrong.append(f"{name} is damaged")
        except OSError as error:
            wrong.append(f"{name} cannot be read ({error.strerror})")
    if wrong:
        raise BackupError(f"not restored: {name_some(wrong)}")
    return uploads


def name_some(items: Iterable[str], most: int = 5) -> str:
    """Return the first few items as text, and how many more there are."""
    found = list(items)
    rest = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + rest


def describe_bytes(count: int) -> str:
    """Return a size in MB as text."""
    return f"{count / 1e6:,.1f} MB"

"""Zip archives: office documents are recognised by the table of contents; nothing else is read."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

# About 10,000 entries.
MAX_TABLE_BYTES = 1024 * 1024
END_BYTES = 22
ZIP64_BYTES = 20
MAX_COMMENT_BYTES = 65_535

ZIP = ("application/zip", ".zip")
OFFICE = "application/vnd.openxmlformats-officedocument."
ZIPPED = {
    "word/": (OFFICE + "wordprocessingml.document", ".docx"),
    "xl/": (OFFICE + "spreadsheetml.sheet", ".xlsx"),
    "ppt/": (OFFICE + "presentationml.presentation", ".pptx"),
}
OPEN = "application/vnd.oasis.opendocument."
OPEN_DOCUMENTS = {
    OPEN + "text": ".odt",
    OPEN + "spreadsheet": ".ods",
    OPEN + "presentation": ".odp",
}


# A file with such a name that is not such a document is broken or deceptive.
DOCUMENT_NAMES = frozenset(
    {ending for _, ending in ZIPPED.values()} | {*OPEN_DOCUMENTS.values(), ".docm", ".xlsm"}
)


def is_short(path: Path) -> bool:
    """Whether the archive's table of contents is short enough to be read; ValueError if there is no table."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - END_BYTES - MAX_COMMENT_BYTES - ZIP64_BYTES))
        tail = file.read()
    # Looks for the end record where zipfile does: at the very end, or before a comment.
    end = len(tail) - END_BYTES
    if not (end >= 0 and tail[end:].startswith(b"PK\5\6") and tail.endswith(b"\0\0")):
        end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) - end < END_BYTES:
        raise ValueError("no end record")
    # 64-bit archives have lengths elsewhere.
    is_large = tail[max(0, end - ZIP64_BYTES) : end].startswith(b"PK\6\7")
    return not is_large and int.from_bytes(tail[end + 12 : end + 16], "little") <= MAX_TABLE_BYTES


def inspect_zip(path: Path) -> tuple[str, str] | None:
    """Return media type and extension of an archive; None for a broken one, or a document with macros.

    Nothing is unpacked except a `mimetype` of at most 100 bytes.
    """
    try:
        if not is_short(path):
            return ZIP
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            # Some programs write the separator of Windows.
            names = {entry.filename.replace("\\", "/") for entry in entries}
            if "[Content_Types].xml" in names:
                if any(name.lower().endswith("vbaproject.bin") for name in names):
                    return None
                for folder, kind in ZIPPED.items():
                    if any(name.startswith(folder) for name in names):
                        return kind
            first = entries[0] if entries else None
            if (
                first is not None
                and first.filename == "mimetype"
                and first.file_size <= 100
                # zipfile unpacks other methods in one go, whatever the size: gigabytes out of 1 KB.
                and first.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            ):
                media_type = archive.read(first).decode("ascii", "replace").strip()
                if media_type in OPEN_DOCUMENTS:
                    return media_type, OPEN_DOCUMENTS[media_type]
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        OSError,
        ValueError,
        RuntimeError,
        EOFError,
    ):
        return None
    return ZIP

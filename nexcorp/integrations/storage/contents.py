"""What a file is, by its bytes: images are decoded, everything else is told by how it begins or is built."""

from __future__ import annotations

import codecs
import contextlib
import mmap
import os
import re
import threading
import zipfile
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from nexcorp.errors import Invalid, PayloadTooLarge, UnsupportedMediaType

MEGABYTE = 1024 * 1024
MAX_IMAGE_BYTES = 10 * MEGABYTE
MAX_FILE_BYTES = 25 * MEGABYTE
MAX_PIXELS = 40_000_000
# Pillow's own limit, for what it finds only while it decodes.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# A progressive JPEG has ten or so. Each takes as long as the whole image, and may be of 60 bytes only.
MAX_SCANS = 100
# A WebP of 40 megapixels takes 610 MB to decode, a progressive JPEG 300: of these one at a time in a process.
LARGE_PIXELS = 8_000_000
DECODING_LARGE = threading.Lock()
# The table of contents of an archive is all of it that is read: 10,000 entries or so.
MAX_TABLE_BYTES = 1024 * 1024
END_BYTES = 22
ZIP64_BYTES = 20
MAX_COMMENT_BYTES = 65_535
HEAD_BYTES = 4096

IMAGES = {
    "PNG": ("image/png", ".png"),
    "JPEG": ("image/jpeg", ".jpg"),
    "GIF": ("image/gif", ".gif"),
    "WEBP": ("image/webp", ".webp"),
}
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
TEXTS = {".csv": "text/csv", ".md": "text/markdown", ".txt": "text/plain", ".log": "text/plain"}
IMAGE_NAMES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp", ".ico", ".avif", ".tiff"})
# What a browser could take for a page, and what a shell would run.
ACTIVE = re.compile(
    rb"<(!doctype|\?xml|\?php|html|head|body|script|svg|iframe|title|style|table|img|object|embed|a\s)", re.I
)
# A marker of a JPEG, and where the pixels between two markers end.
MARKER = re.compile(rb"\xff([^\x00\xff])")
END_OF_PIXELS = re.compile(rb"\xff(?=[^\x00\xd0-\xd7])")
# Control characters but tab, line feed, form feed and carriage return.
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


class UnsupportedFileType(UnsupportedMediaType):
    """The file is of a type that is not taken."""

    code = "unsupported_file_type"
    message = "Send a PNG, JPEG, GIF or WebP image, a PDF, plain text, or an office document."
    meaning = "The file is of a type that is not taken."


class BrokenImage(Invalid):
    """The file begins like an image, and cannot be decoded to its end."""

    code, message = "broken_image", "The image cannot be decoded."
    meaning = "The image cannot be decoded."


@dataclass(frozen=True, slots=True)
class Contents:
    """Media type, the file name extension that goes with it, and pixels of an image."""

    type: str
    extension: str
    width: int | None = None
    height: int | None = None

    @property
    def is_image(self) -> bool:
        """Whether it is an image of a kind that is shown."""
        return self.width is not None


def image_format(head: bytes) -> str | None:
    """The kind of image that a file begins as, None for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return None


def limit_of(head: bytes) -> int:
    """How many bytes a file that begins like this may have."""
    return MAX_IMAGE_BYTES if image_format(head) else MAX_FILE_BYTES


def refuse() -> UnsupportedFileType:
    """The answer to a file of a kind that is not taken."""
    return UnsupportedFileType(errors={"file": ["Is of no type that is taken."]})


def inspect(path: Path, name: str) -> Contents:
    """What the file is. Blocks: call it in a thread.

    Raises UnsupportedFileType, BrokenImage, and PayloadTooLarge for an image of too many pixels.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    kind = image_format(head)
    extension = Path(name).suffix.lower()
    if kind is not None:
        return inspect_image(path, kind)
    if head.startswith(b"%PDF-"):
        found = Contents("application/pdf", ".pdf")
    elif head.startswith(b"PK\x03\x04"):
        found = inspect_zip(path)
    else:
        found = inspect_text(path, head, extension)
    if extension in IMAGE_NAMES:
        # It says that it is an image, and is not.
        raise refuse()
    return found


def decoding(width: int, height: int) -> AbstractContextManager[Any]:
    """Waits for its turn where an image is so large that two at once would not fit into a small machine."""
    return DECODING_LARGE if width * height > LARGE_PIXELS else contextlib.nullcontext()


def inspect_image(path: Path, kind: str) -> Contents:
    """The size of an image that can be decoded to its end, within MAX_PIXELS."""
    try:
        if kind == "JPEG":
            check_scans(path)
        with Image.open(path, formats=[kind]) as image:
            width, height = image.size
            check_pixels(width, height)
            # JPEG can be decoded at an eighth of its size, which finds a truncated one as well.
            image.draft("RGB", (1, 1))
            with decoding(width, height):
                image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_many_pixels() from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError) as error:
        raise BrokenImage(errors={"file": ["Cannot be decoded."]}) from error
    media_type, extension = IMAGES[kind]
    return Contents(media_type, extension, width, height)


def too_many_pixels() -> PayloadTooLarge:
    """The answer to an image over MAX_PIXELS."""
    return PayloadTooLarge(
        message=f"The image has over {MAX_PIXELS // 1_000_000} megapixels.",
        errors={"file": ["Has too many pixels."]},
    )


def check_pixels(width: int, height: int) -> None:
    """Raises PayloadTooLarge over MAX_PIXELS: before anything is decoded, which is what a bomb waits for."""
    if width * height > MAX_PIXELS:
        raise too_many_pixels()


def check_scans(path: Path) -> None:
    """Raises ValueError where a JPEG has so many scans that decoding it would take minutes."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        scans, place = 0, 2
        # What is broken any other way is for the decoder to say.
        while marker := MARKER.search(data, place):
            kind = marker[1][0]
            place = marker.end()
            if kind == 0xD9:
                return
            if kind == 0x01 or 0xD0 <= kind <= 0xD8:
                continue
            place += int.from_bytes(data[place : place + 2], "big")
            if kind != 0xDA:
                continue
            scans += 1
            if scans > MAX_SCANS:
                raise ValueError("too many scans")
            found = END_OF_PIXELS.search(data, place)
            if found is None:
                return
            place = found.start()


def check_table(path: Path) -> None:
    """Raises UnsupportedFileType where the archive's table of contents is too long to be read."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - END_BYTES - MAX_COMMENT_BYTES - ZIP64_BYTES))
        tail = file.read()
    # Where zipfile looks for the end record as well: last of all, or before a comment.
    end = len(tail) - END_BYTES
    if not (end >= 0 and tail[end:].startswith(b"PK\5\6") and tail.endswith(b"\0\0")):
        end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) - end < END_BYTES:
        raise refuse()
    # 64-bit archives have lengths elsewhere; no office document of 25 MB is one.
    is_large = tail[max(0, end - ZIP64_BYTES) : end].startswith(b"PK\6\7")
    if is_large or int.from_bytes(tail[end + 12 : end + 16], "little") > MAX_TABLE_BYTES:
        raise refuse()


def inspect_zip(path: Path) -> Contents:
    """An office document by its table of contents; nothing is unpacked but a type of 100 bytes at most."""
    try:
        check_table(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise refuse()
            if "[Content_Types].xml" in names:
                for folder, (media_type, extension) in ZIPPED.items():
                    if any(name.startswith(folder) for name in names):
                        return Contents(media_type, extension)
            first = entries[0] if entries else None
            if (
                first is not None
                and first.filename == "mimetype"
                and first.file_size <= 100
                # Of other kinds zipfile unpacks all at once, whatever the size: gigabytes out of 1 KB.
                and first.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            ):
                media_type = archive.read(first).decode("ascii", "replace").strip()
                if media_type in OPEN_DOCUMENTS:
                    return Contents(media_type, OPEN_DOCUMENTS[media_type])
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        OSError,
        ValueError,
        RuntimeError,
        EOFError,
    ):
        raise refuse() from None
    raise refuse()


def inspect_text(path: Path, head: bytes, extension: str) -> Contents:
    """UTF-8 without control characters that is neither a page nor a script."""
    if ACTIVE.search(head) or head.startswith(b"#!"):
        raise refuse()
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open(path, "rb") as file:
            while part := file.read(MEGABYTE):
                if NO_TEXT.search(decoder.decode(part)):
                    raise refuse()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise refuse() from None
    return Contents(TEXTS.get(extension, "text/plain"), extension if extension in TEXTS else ".txt")

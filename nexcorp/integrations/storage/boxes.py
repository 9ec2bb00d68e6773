"""ISO media files (HEIC, AVIF, MP4, MOV): trees of boxes that refer to each other by position.

So metadata is overwritten in place, and nothing moves. A broken file raises ValueError.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEIC = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
AVIF = frozenset((b"avif", b"avis"))
# Brands of images of any coding.
ANY_IMAGE = frozenset((b"mif1", b"mif2", b"msf1"))
# Boxes that hold boxes, and the boxes among these that say where, when and with what a film was taken.
HOLDERS = frozenset((b"moov", b"trak", b"moof", b"traf"))
TELLING = frozenset((b"udta", b"meta", b"uuid"))
# Boxes of an image besides its `meta`, which is the index.
OF_IMAGES = frozenset((b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip"))
TELLING_ITEMS = frozenset((b"Exif", b"mime", b"uri "))
MAX_BOXES = 100_000
# Empty EXIF, behind the four bytes with its offset.
NO_EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"


def brand_of(head: bytes) -> bytes | None:
    """Return the brand of an ISO media file by its first bytes, a specific one before `mif1`; or None."""
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand in ANY_IMAGE:
        length = int.from_bytes(head[:4], "big")
        others = {head[place : place + 4] for place in range(16, min(length, len(head)), 4)}
        return next(iter(sorted(others & AVIF) or sorted(others & HEIC)), b"mif1")
    return brand


def list_boxes(data: Any, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield the boxes between two places: kind, start, start of its content, and end."""
    number = 0
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if size == 1:
            if content + 8 > end:
                raise ValueError("half a box")
            (size,) = struct.unpack_from(">Q", data, content)
            content += 8
        after = end if size == 0 else start + size
        number += 1
        if not content <= after <= end or number > MAX_BOXES:
            raise ValueError("no box")
        yield kind, start, content, after
        start = after


def free_box(data: Any, start: int, content: int, after: int) -> None:
    """Turn a box into free space."""
    data[start + 4 : start + 8] = b"free"
    data[content:after] = bytes(after - content)


def free_telling(data: Any, start: int, end: int, depth: int = 0) -> None:
    """Free the boxes of metadata in a film, also those in its tracks."""
    for kind, begin, content, after in list_boxes(data, start, end):
        if kind in TELLING:
            free_box(data, begin, content, after)
        elif kind in HOLDERS and depth < 4:
            free_telling(data, content, after, depth + 1)


def blank_film(path: Path) -> None:
    """Remove the metadata of an MP4 or MOV, in place."""
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        free_telling(data, 0, len(data))


def blank_image(original: bytes) -> bytes:
    """Return a HEIC or AVIF without metadata, in its items and in other boxes, such as a film."""
    data = bytearray(original)
    try:
        for kind, start, content, after in list_boxes(data, 0, len(data)):
            if kind == b"meta":
                blank_items(data, content, after)
            elif kind == b"moov":
                free_telling(data, content, after)
            elif kind not in OF_IMAGES:
                free_box(data, start, content, after)
    except (struct.error, IndexError) as error:
        raise ValueError("a broken box") from error
    return bytes(data)


def blank_items(data: bytearray, start: int, end: int) -> None:
    """Overwrite the EXIF and XMP items of a `meta` box."""
    found = {kind: (content, after) for kind, _, content, after in list_boxes(data, start + 4, end)}
    if b"iinf" not in found or b"iloc" not in found:
        return
    telling = dict(list_telling(data, *found[b"iinf"]))
    left = len(data)
    for item, into_idat, place, length in list_places(data, *found[b"iloc"]):
        if item not in telling:
            continue
        if into_idat:
            place += found.get(b"idat", (0, 0))[0]
        after = place + length if length else len(data)
        left -= after - place
        # Items may overlap: their total is limited by the size of the file.
        if after > len(data) or left < 0:
            raise ValueError("an item that is not there")
        data[place:after] = bytes(after - place)
        if telling[item] == b"Exif" and after - place >= len(NO_EXIF):
            data[place : place + len(NO_EXIF)] = NO_EXIF


def list_telling(data: bytearray, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers and kinds of an `iinf` box's metadata items."""
    first = start + (8 if data[start] else 6)
    for kind, _, content, _ in list_boxes(data, first, end):
        version = data[content]
        if kind != b"infe" or version < 2:
            continue
        item, _, what = struct.unpack_from(">HH4s" if version == 2 else ">IH4s", data, content + 4)
        if what in TELLING_ITEMS:
            yield item, what


def list_places(data: bytearray, start: int, end: int) -> Iterator[tuple[int, bool, int, int]]:
    """Yield the places of an `iloc` box's items: number, whether in `idat`, place, length (0: to the end)."""
    version, sizes, more = data[start], data[start + 4], data[start + 5]
    offset_size, length_size = sizes >> 4, sizes & 15
    base_size, index_size = more >> 4, more & 15 if version else 0
    place = start + 6

    def read(size: int) -> int:
        nonlocal place
        if place + size > end:
            raise ValueError("half a table")
        place += size
        return int.from_bytes(data[place - size : place], "big")

    wide = 4 if version == 2 else 2
    for _ in range(read(wide)):
        item = read(wide)
        method = read(2) & 15 if version else 0
        read(2)
        base = read(base_size)
        for _ in range(read(2)):
            read(index_size)
            offset, length = read(offset_size), read(length_size)
            if method < 2:
                yield item, method == 1, base + offset, length

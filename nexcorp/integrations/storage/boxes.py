"""ISO media files (HEIC, AVIF, MP4, MOV): trees of boxes in which others stand by their place.

So their metadata is overwritten where it stands, and nothing moves. A broken file raises ValueError.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEIC = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
AVIF = frozenset((b"avif", b"avis"))
# Brands of images whatever their coding.
ANY_IMAGE = frozenset((b"mif1", b"mif2", b"msf1"))
# Boxes that hold boxes, and those among them that say where, when and with what something was taken.
HOLDERS = frozenset((b"moov", b"trak", b"moof", b"traf"))
TELLING = frozenset((b"udta", b"meta", b"uuid"))
# What an image has besides its `meta`, which says what is where.
OF_IMAGES = frozenset((b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip"))
TELLING_ITEMS = frozenset((b"Exif", b"mime", b"uri "))
MAX_BOXES = 100_000
# EXIF that says nothing, behind the four bytes that say where it begins.
NO_EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"


def brand_of(head: bytes) -> bytes | None:
    """The brand of an ISO media file by its first bytes, a telling one before `mif1`; None without one."""
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand in ANY_IMAGE:
        length = int.from_bytes(head[:4], "big")
        others = {head[place : place + 4] for place in range(16, min(length, len(head)), 4)}
        return next(iter(sorted(others & AVIF) or sorted(others & HEIC)), b"mif1")
    return brand


def list_boxes(data: Any, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """The boxes between two places: kind, and where it, its content and what is behind it begin."""
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
    """Make a box one of free space."""
    data[start + 4 : start + 8] = b"free"
    data[content:after] = bytes(after - content)


def free_telling(data: Any, start: int, end: int, depth: int = 0) -> None:
    """Free the boxes of metadata in a film, those of its tracks as well."""
    for kind, begin, content, after in list_boxes(data, start, end):
        if kind in TELLING:
            free_box(data, begin, content, after)
        elif kind in HOLDERS and depth < 4:
            free_telling(data, content, after, depth + 1)


def blank_film(path: Path) -> None:
    """Take the metadata out of an MP4 or MOV, on the disk."""
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        free_telling(data, 0, len(data))


def blank_image(original: bytes) -> bytes:
    """A HEIC or AVIF without metadata: in its items, and in boxes beside them, such as a film."""
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
    """Overwrite the items of EXIF and XMP of a `meta` box."""
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
        # Items may overlap: they must not keep us busy.
        if after > len(data) or left < 0:
            raise ValueError("an item that is not there")
        data[place:after] = bytes(after - place)
        if telling[item] == b"Exif" and after - place >= len(NO_EXIF):
            data[place : place + len(NO_EXIF)] = NO_EXIF


def list_telling(data: bytearray, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The numbers and kinds of items of metadata, of an `iinf` box."""
    first = start + (8 if data[start] else 6)
    for kind, _, content, _ in list_boxes(data, first, end):
        version = data[content]
        if kind != b"infe" or version < 2:
            continue
        item, _, what = struct.unpack_from(">HH4s" if version == 2 else ">IH4s", data, content + 4)
        if what in TELLING_ITEMS:
            yield item, what


def list_places(data: bytearray, start: int, end: int) -> Iterator[tuple[int, bool, int, int]]:
    """Where items stand, by an `iloc` box: number, whether in `idat`, place, length (0: to the end)."""
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

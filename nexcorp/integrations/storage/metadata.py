"""Remove metadata from images: only parts that affect how an image looks are kept, and no pixel changes.

EXIF, XMP, IPTC, comments, makers' notes and data behind the end tell where and with what a photo was taken.
Only the orientation is kept. Each function takes a whole file and raises ValueError for a broken one.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable

from nexcorp.integrations.storage.boxes import blank_image

# A progressive JPEG has about ten. Each costs as much as the whole image, and may have only 60 bytes.
MAX_SCANS = 100
# An image of 10 MB has some hundreds.
MAX_PARTS = 100_000
# Largest unpacked colour profile. Those of printing presses have two megabytes.
MAX_PROFILE_BYTES = 4 * 1024 * 1024
# A marker of a JPEG, and the end of the pixels between two markers.
MARKER = re.compile(rb"\xff([^\x00\xff])")
END_OF_PIXELS = re.compile(rb"\xff(?=[^\x00\xd0-\xd7])")
# Application segments of a JPEG that affect its look: number, and first bytes.
LOOKS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
PNG_START = b"\x89PNG\r\n\x1a\n"
# Optional chunks of a PNG that affect its look: transparency, colours, resolution, animation.
PNG_LOOKS = frozenset(
    b"tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
WEBP_LOOKS = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
WEBP_EXIF, WEBP_XMP = 0x08, 0x04
# Application extensions of a GIF: repetition, and colours.
GIF_LOOKS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
ORIENTATION = 0x0112


def read_orientation(exif: bytes) -> int:
    """Return the orientation in EXIF, 1 (upright) to 8; 1 if it is missing or invalid."""
    data = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return 1
    try:
        (place,) = struct.unpack_from(order + "I", data, 4)
        (number,) = struct.unpack_from(order + "H", data, place)
        for entry in range(place + 2, place + 2 + 12 * min(number, 1000), 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", data, entry)
            if tag == ORIENTATION:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def make_exif(orientation: int) -> bytes:
    """Return EXIF with only this orientation."""
    return b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", ORIENTATION, 3, 1, orientation, 0, 0)


def clean_jpeg(data: bytes) -> bytes:
    """Return a JPEG without metadata and anything behind its image; its end marker may be missing."""
    parts, place, scans, seen = [data[:2]], 2, 0, 0
    turned = False
    while marker := MARKER.search(data, place):
        kind, start = marker[1][0], marker.start()
        place, seen = marker.end(), seen + 1
        if seen > MAX_PARTS:
            raise ValueError("too many markers")
        if kind == 0xD9:
            parts.append(b"\xff\xd9")
            return b"".join(parts)
        if kind == 0x01 or 0xD0 <= kind <= 0xD8:
            continue
        place += int.from_bytes(data[place : place + 2], "big")
        body = data[marker.end() + 2 : place]
        if kind == 0xE1 and body.startswith(b"Exif\0\0") and not turned:
            orientation = read_orientation(body)
            if orientation != 1:
                exif = b"Exif\0\0" + make_exif(orientation)
                parts.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
                turned = True
        if kind == 0xFE or (0xE0 <= kind <= 0xEF and not body.startswith(LOOKS.get(kind, b"\0nothing"))):
            continue
        if kind == 0xDA:
            scans += 1
            if scans > MAX_SCANS:
                raise ValueError("too many scans")
            found = END_OF_PIXELS.search(data, place)
            place = len(data) if found is None else found.start()
        parts.append(data[start:place])
    # A part of the end marker may be left.
    return b"".join(parts).rstrip(b"\xff")


def pack_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def is_profile(body: bytes) -> bool:
    """Whether a chunk has a colour profile that can be unpacked and is not too long."""
    packed = body.partition(b"\0")[2][1:]
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(packed, MAX_PROFILE_BYTES)
    except zlib.error:
        return False
    return unpacker.eof


def clean_png(data: bytes) -> bytes:
    """Return a PNG without metadata and broken optional chunks; a missing end is added."""
    parts, place, seen = [PNG_START], len(PNG_START), 0
    turned = False
    while place + 8 <= len(data):
        seen += 1
        if seen > MAX_PARTS:
            raise ValueError("too many chunks")
        (length,) = struct.unpack_from(">I", data, place)
        kind, start, end = data[place + 4 : place + 8], place + 8, place + 8 + length
        if kind == b"IEND":
            break
        needed = not kind[0] & 0x20
        if end > len(data):
            if needed:
                # The pixels are incomplete: the decoder decides.
                parts.append(data[place:])
                return b"".join(parts)
            break
        body, chunk = data[start:end], data[place : end + 4]
        place = end + 4
        if needed:
            # The last checksum may have been cut off.
            parts.append(chunk if place <= len(data) else pack_chunk(kind, body))
        elif chunk[-4:] != struct.pack(">I", zlib.crc32(chunk[4:-4])):
            continue
        elif kind == b"eXIf" and not turned:
            orientation = read_orientation(body)
            if orientation != 1:
                parts.append(pack_chunk(kind, make_exif(orientation)))
                turned = True
        elif kind in PNG_LOOKS and (kind != b"iCCP" or is_profile(body)):
            parts.append(chunk)
    parts.append(pack_chunk(b"IEND", b""))
    return b"".join(parts)


def clean_webp(data: bytes) -> bytes:
    """Return a WebP without metadata."""
    parts, place, seen, orientation = [], 12, 0, 1
    while place + 8 <= len(data):
        seen += 1
        if seen > MAX_PARTS:
            raise ValueError("too many chunks")
        kind, (length,) = data[place : place + 4], struct.unpack_from("<I", data, place + 4)
        end = place + 8 + length
        if kind == b"EXIF":
            orientation = read_orientation(data[place + 8 : end])
        elif kind in WEBP_LOOKS:
            # A chunk of odd length is padded with a byte.
            parts.append(bytearray(data[place : end + (length & 1)]))
        place = end + (length & 1)
    if parts and parts[0].startswith(b"VP8X") and len(parts[0]) > 8:
        parts[0][8] &= ~(WEBP_EXIF | WEBP_XMP)
        if orientation != 1:
            exif = make_exif(orientation)
            parts[0][8] |= WEBP_EXIF
            parts.append(bytearray(b"EXIF" + struct.pack("<I", len(exif)) + exif))
    body = b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def clean_gif(data: bytes) -> bytes:
    """Return a GIF without comments and metadata."""

    blocks = place = 0
    parts = []

    def colours(flags: int) -> int:
        return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

    def skip_blocks(place: int) -> int:
        nonlocal blocks
        while data[place]:
            place += data[place] + 1
            blocks += 1
            if blocks > 10 * MAX_PARTS:
                raise ValueError("too many blocks")
        return place + 1

    try:
        place = 13 + colours(data[10])
        parts.append(data[:place])
        while data[place] != 0x3B:
            start = place
            if data[place] == 0x21:
                kind = data[place + 1]
                place = skip_blocks(place + 2)
                if kind == 0xFE or (kind == 0xFF and not data[start + 3 : place].startswith(GIF_LOOKS)):
                    continue
            elif data[place] == 0x2C:
                place = skip_blocks(place + 10 + colours(data[place + 9]) + 1)
            else:
                raise ValueError("no block of a GIF")
            parts.append(data[start:place])
    except IndexError:
        # It ends too early, behind a block or in one: the decoder decides whether the picture is whole.
        if data[place : place + 1] == b",":
            parts.append(data[place:])
    return b"".join(parts) + b"\x3b"


CLEANERS: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": clean_jpeg,
    "PNG": clean_png,
    "WEBP": clean_webp,
    "GIF": clean_gif,
    "HEIF": blank_image,
    "AVIF": blank_image,
}

"""Photos as cameras and programs write them, with common faults and hidden metadata."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

from tests.features.uploads.files import picture

# 48 degrees, 1 minute, 12.345 seconds, as EXIF stores it and as a text.
PLACE = struct.pack(">6I", 48, 1, 8, 1, 12345, 1000)
PLACE_TEXT = b"48,1.20575N"
# Red on the left and blue on the right, 64 x 48, rotated by a box; its EXIF and XMP hold a place.
HEIC = base64.b64decode(
    """
    AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAhJtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA
    AEZpbG9jAAAAAERAAAMAAQAAAAACNgABAAAAAAAAAEMAAgAAAAACeQABAAAAAAAAAHIAAwAAAAAC6wABAAAAAAAAABsAAABiaWlu
    ZgAAAAAAAwAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAACppbmZlAgAAAQADAABtaW1lAGFwcGxp
    Y2F0aW9uL3JkZit4bWwAAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAA
    DwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAA
    AwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAA
    AAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAoaXJl
    ZgAAAAAAAAAOY2RzYwACAAEAAQAAAA5jZHNjAAMAAQABAAAA2G1kYXQAAAA/KAGvWOb06r//5zu//yo9IfYlF9f/4qvVf1E7T/xh
    JUktQaE4Q6hTWRX0Af9f0hC0gX7pJM8cI4fw3erswaIUAAAABkV4aWYAAE1NACoAAAAIAAMBDwACAAAABENhbQABEgADAAAAAQAG
    AACIJQAEAAAAAQAAADIAAAAAAAIAAQACAAAAAk4AAAAAAgAFAAAAAwAAAFAAAAAAAAAAMAAAAAEAAAABAAAAAQAACaUAAADIPHg6
    eG1wbWV0YT40OC4xPC94OnhtcG1ldGE+
    """
)


def exif(orientation: int = 1) -> bytes:
    """Return EXIF with an orientation and a place, as a TIFF."""
    first = struct.pack(">H", 2) + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    first += struct.pack(">HHII", 0x8825, 4, 1, 38) + bytes(4)
    place = struct.pack(">H", 1) + struct.pack(">HHII", 2, 5, 3, 56) + bytes(4)
    return b"MM\0*\0\0\0\x08" + first + place + PLACE


def xmp() -> bytes:
    """Return XMP with a place."""
    return b'<x:xmpmeta exif:GPSLatitude="' + PLACE_TEXT + b'"/>'


def segment(kind: int, body: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body


def photo(orientation: int = 1) -> bytes:
    """Return a JPEG of 40 x 30 that holds its place in four ways."""
    plain = picture("JPEG")
    telling = (
        segment(0xE1, b"Exif\0\0" + exif(orientation))
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp())
        + segment(0xED, b"Photoshop 3.0\0" + PLACE_TEXT)
        + segment(0xFE, PLACE_TEXT)
    )
    # Data behind the image's end: phones append a film there.
    return plain[:2] + telling + plain[2:] + b"film" + PLACE + PLACE_TEXT


def chunk(kind: bytes, body: bytes, broken: bool = False) -> bytes:
    """Return a chunk of a PNG; `broken` gives it a wrong checksum."""
    checksum = zlib.crc32(kind + body) ^ broken
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(
    *extra: bytes, depth: int = 8, colour: int = 2, row: bytes = b"\xff\0\0" * 300, width: int = 300
) -> bytes:
    """Return a PNG of 100 equal rows, with `extra` chunks before its pixels."""
    head = struct.pack(">IIBBBBB", width, 100, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(extra) + pixels + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str, **save: Any) -> bytes:
    """Return an image as a file of this kind."""
    target = io.BytesIO()
    image.save(target, kind, **save)
    return target.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    """Return a box of an ISO media file."""
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + kind + body


def film() -> bytes:
    """Return an MP4 without pictures that holds its place in three ways."""
    user = box(b"udta", box(b"\xa9xyz", PLACE_TEXT))
    track = box(b"trak", box(b"tkhd", b"track"), user)
    keys = box(b"meta", PLACE_TEXT)
    return (
        box(b"ftyp", b"isom\0\0\0\1isom")
        + box(b"mdat", b"pixels")
        + box(b"moov", box(b"mvhd", b"film"), track, keys)
        + box(b"uuid", bytes(16), PLACE_TEXT)
    )


def swapped_profile() -> bytes:
    """Return a colour profile in which red is green: sRGB's with two primaries exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    number = int.from_bytes(profile[128:132], "big")
    places = {bytes(profile[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(number)}
    red, green = (slice(places[name] + 4, places[name] + 12) for name in (b"rXYZ", b"gXYZ"))
    profile[red], profile[green] = profile[green], profile[red]
    return bytes(profile)

"""Images: accepted formats, and decoding, upright and without metadata."""

from __future__ import annotations

import contextlib
import io
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin

from nexcorp.errors import Invalid, PayloadTooLarge
from nexcorp.integrations.storage import apart
from nexcorp.integrations.storage.boxes import ANY_IMAGE, AVIF, HEIC, brand_of
from nexcorp.integrations.storage.metadata import CLEANERS, MAX_PROFILE_BYTES

# Slightly more than a sensor of 50 megapixels.
MAX_PIXELS = 52_000_000
# Pillow's own limit, for sizes that it finds only while decoding.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Texts are removed before Pillow sees an image: this limits colour profiles.
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES
# A WebP of 52 megapixels takes 800 MB to decode, an AVIF 460: a process decodes one of these at a time.
LARGE_PIXELS = 8_000_000
DECODING_LARGE = threading.Lock()

IMAGES = {
    "PNG": ("image/png", ".png"),
    "JPEG": ("image/jpeg", ".jpg"),
    "GIF": ("image/gif", ".gif"),
    "WEBP": ("image/webp", ".webp"),
    "HEIF": ("image/heic", ".heic"),
    "AVIF": ("image/avif", ".avif"),
}
# The transposition that makes an image upright, by its orientation in EXIF.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_ITS_SIDE = frozenset(TURNS[orientation] for orientation in (5, 6, 7, 8))
END_OF_JPEG = b"\xff\xd9"
# Bytes after a truncated image change its last pixels; after a whole one they change nothing.
FILLINGS = (b"\x55" * 400, b"\xaa" * 400)


class BrokenImage(Invalid):
    """The file begins like an image, but cannot be decoded to its end."""

    code, message = "broken_image", "The image cannot be decoded."
    meaning = "The image cannot be decoded."


def image_format(head: bytes) -> str | None:
    """Return the image format by a file's first bytes, None for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    brand = brand_of(head)
    if brand in AVIF:
        return "AVIF"
    return "HEIF" if brand in HEIC or brand in ANY_IMAGE else None


def decoding(image: Image.Image) -> AbstractContextManager[Any]:
    """A lock for an image so large that two at once would not fit into a small machine's memory."""
    return DECODING_LARGE if image.width * image.height > LARGE_PIXELS else contextlib.nullcontext()


def open_image(path: Path) -> Image.Image:
    """Return an image, not yet decoded, with only its orientation as metadata; OSError or ValueError."""
    content = path.read_bytes()
    kind = image_format(content[:64])
    if kind is None:
        raise ValueError("no image")
    return Image.open(io.BytesIO(CLEANERS[kind](content)), formats=[kind])


def clean_image(path: Path, kind: str) -> tuple[bytes, int, int]:
    """Decode an image to its end; return it without metadata, and its width and height as shown.

    Raises BrokenImage, or PayloadTooLarge over MAX_PIXELS, before decoding: a bomb is never unpacked.
    """
    try:
        content = CLEANERS[kind](path.read_bytes())
        if kind == "JPEG" and not content.endswith(END_OF_JPEG):
            require_whole(content)
            content += END_OF_JPEG
        if kind == "HEIF":
            width, height = map(int, apart.call("measure", path).split())
        else:
            width, height = decode(content, kind)
    except (apart.TooManyPixels, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_many_pixels() from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, RuntimeError, MemoryError) as error:
        raise BrokenImage(errors={"file": ["Cannot be decoded."]}) from error
    return content, width, height


def decode(content: bytes, kind: str) -> tuple[int, int]:
    """Decode an image; return its width and height as shown. Raises PayloadTooLarge, and Pillow's errors."""
    with Image.open(io.BytesIO(CLEANERS[kind](content)), formats=[kind]) as image:
        check_pixels(image)
        width, height = image.size
        # JPEG can be decoded at an eighth of its size, which also detects truncation.
        image.draft("RGB", (1, 1))
        with decoding(image):
            image.load()
        return (height, width) if find_turn(image) in ON_ITS_SIDE else (width, height)


def require_whole(content: bytes) -> None:
    """Raises ValueError if a JPEG without end marker lacks pixels, which the decoder would invent."""
    seen = []
    for filling in FILLINGS:
        with Image.open(io.BytesIO(content + filling + END_OF_JPEG), formats=["JPEG"]) as image:
            check_pixels(image)
            with decoding(image):
                seen.append(image.histogram())
    if seen[0] != seen[1]:
        raise ValueError("not whole")


def check_pixels(image: Image.Image) -> None:
    """Raises PayloadTooLarge over MAX_PIXELS."""
    if image.width * image.height > MAX_PIXELS:
        raise too_many_pixels()


def too_many_pixels() -> PayloadTooLarge:
    """Return the error for an image of more than MAX_PIXELS."""
    return PayloadTooLarge(
        message=f"The image has over {MAX_PIXELS // 1_000_000} megapixels.",
        errors={"file": [f"Over {MAX_PIXELS} pixels."]},
    )


def find_turn(image: Image.Image) -> Image.Transpose | None:
    """Return the transposition that makes an image upright; None if it is, or its metadata is invalid."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        # The metadata may hold anything, and Pillow may raise anything.
        return None

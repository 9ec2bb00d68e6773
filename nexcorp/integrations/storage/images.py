"""Images: which formats are taken, and how one is decoded, upright and without what it says besides."""

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

# What a sensor of 50 megapixels gives, and some.
MAX_PIXELS = 52_000_000
# Pillow's own limit, for what it finds only while it decodes.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# Texts are taken out before Pillow sees an image: this is about colour profiles.
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES
# A WebP of 52 megapixels takes 800 MB to decode, an AVIF 460: of these one at a time in a process.
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
# What makes an image upright, by the orientation in its metadata.
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
# What comes behind a part of an image changes how its last pixels look, behind a whole one nothing.
FILLINGS = (b"\x55" * 400, b"\xaa" * 400)


class BrokenImage(Invalid):
    """The file begins like an image, and cannot be decoded to its end."""

    code, message = "broken_image", "The image cannot be decoded."
    meaning = "The image cannot be decoded."


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
    brand = brand_of(head)
    if brand in AVIF:
        return "AVIF"
    return "HEIF" if brand in HEIC or brand in ANY_IMAGE else None


def decoding(image: Image.Image) -> AbstractContextManager[Any]:
    """Waits for its turn where an image is so large that two at once would not fit into a small machine."""
    return DECODING_LARGE if image.width * image.height > LARGE_PIXELS else contextlib.nullcontext()


def open_image(path: Path) -> Image.Image:
    """An image, not decoded yet, without its metadata but the orientation; raises OSError or ValueError."""
    content = path.read_bytes()
    kind = image_format(content[:64])
    if kind is None:
        raise ValueError("no image")
    return Image.open(io.BytesIO(CLEANERS[kind](content)), formats=[kind])


def clean_image(path: Path, kind: str) -> tuple[bytes, int, int]:
    """An image without its metadata, and its width and height as shown, once it was decoded to its end.

    Raises BrokenImage, or PayloadTooLarge over MAX_PIXELS: before anything is decoded, which is what a bomb
    waits for.
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
    """Width and height of an image as it is shown, once it was decoded; raises PayloadTooLarge, or more."""
    with Image.open(io.BytesIO(CLEANERS[kind](content)), formats=[kind]) as image:
        check_pixels(image)
        width, height = image.size
        # JPEG can be decoded at an eighth of its size, which finds a truncated one as well.
        image.draft("RGB", (1, 1))
        with decoding(image):
            image.load()
        return (height, width) if find_turn(image) in ON_ITS_SIDE else (width, height)


def require_whole(content: bytes) -> None:
    """Raises ValueError where a JPEG without end marker lacks pixels, which the decoder would invent."""
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
    """The answer to an image of more than MAX_PIXELS."""
    return PayloadTooLarge(
        message=f"The image has over {MAX_PIXELS // 1_000_000} megapixels.",
        errors={"file": [f"Over {MAX_PIXELS} pixels."]},
    )


def find_turn(image: Image.Image) -> Image.Transpose | None:
    """How to make an image upright; None where it is, or where its metadata makes no sense."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        # Pillow reads what anybody wrote there, and raises whatever comes of it.
        return None

"""Small copies of images."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageCms

from nexcorp.integrations.storage import apart
from nexcorp.integrations.storage.images import decoding, find_turn, image_format, open_image
from nexcorp.integrations.storage.metadata import MAX_PROFILE_BYTES

THUMBNAIL_PIXELS = 400
SCALABLE = frozenset({"RGB", "RGBA", "L", "LA", "CMYK"})
WITH_ALPHA = {"RGBA": "RGB", "LA": "L"}


def make_thumbnail(source: Path, target: Path) -> None:
    """Write a WebP of at most 400 by 400 pixels, upright, in sRGB, without the original's metadata.

    An animation is shown by its first picture. Blocks; raises OSError or ValueError for an invalid image.
    """
    with open(source, "rb") as file:
        kind = image_format(file.read(64))
    if kind == "HEIF":
        apart.call("thumbnail", source, target)
    else:
        draw_thumbnail(source, target)


def draw_thumbnail(source: Path, target: Path) -> None:
    """Do the work of make_thumbnail() in this process."""
    with open_image(source) as image, decoding(image):
        # JPEG is decoded no larger than needed.
        image.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))
        mode = "RGBA" if image.has_transparency_data else "RGB"
        small = to_srgb(scale(image, mode), image.info.get("icc_profile"))
        turn = find_turn(image)
        if turn is not None:
            small = small.transpose(turn)
        # A new image does not carry the original's metadata over.
        bare = Image.new(mode, small.size)
        bare.paste(small.convert(mode))
        bare.save(target, "WEBP", quality=80)


def scale(image: Image.Image, mode: str) -> Image.Image:
    """Return the image with at most THUMBNAIL_PIXELS on its longer side, converted to `mode` if necessary."""
    if image.mode.startswith("I;16"):
        # Pillow would clip 16 bits at 255 instead of scaling them.
        part = min(1.0, THUMBNAIL_PIXELS / max(image.size))
        size = (max(1, round(image.width * part)), max(1, round(image.height * part)))
        return image.resize(size, Image.Resampling.LANCZOS).point(lambda value: value / 257).convert("L")
    # Not converted if possible: a copy of 50 megapixels costs 200 MB.
    small = image if image.mode in SCALABLE else image.convert(mode)
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS), Image.Resampling.LANCZOS)
    return small


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the image in sRGB, the colours of a WebP without profile; unchanged if its own is broken."""
    if not profile or len(profile) > MAX_PROFILE_BYTES:
        return image
    flat = image.convert(WITH_ALPHA[image.mode]) if image.mode in WITH_ALPHA else image
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(flat, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    if shown is None:
        return image
    if flat is not image:
        shown.putalpha(image.getchannel("A"))
    return shown

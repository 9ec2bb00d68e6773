"""Small copies of images."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

THUMBNAIL_PIXELS = 400
SCALABLE = frozenset({"RGB", "RGBA", "L", "LA"})


def make_thumbnail(source: Path, target: Path) -> None:
    """Write a WebP of at most 400 by 400 pixels, upright, without the original's metadata.

    Of an animation it shows the first picture. Blocks; raises OSError or ValueError for what is no image.
    """
    with Image.open(source, formats=["PNG", "JPEG", "GIF", "WEBP"]) as image:
        # JPEG is decoded no larger than needed.
        image.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))
        mode = "RGBA" if image.has_transparency_data else "RGB"
        # As it is where it can be: a copy of 40 megapixels costs 160 MB.
        small = image if image.mode in SCALABLE else image.convert(mode)
        small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS), Image.Resampling.LANCZOS)
        ImageOps.exif_transpose(small, in_place=True)
        # A picture of its own takes nothing along that the original's metadata says.
        bare = Image.new(mode, small.size)
        bare.paste(small.convert(mode))
        bare.save(target, "WEBP", quality=80)

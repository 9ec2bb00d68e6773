"""Small copies of images."""

from __future__ import annotations

from pathlib import Path

from PIL import ExifTags, Image

from nexcorp.integrations.storage.contents import decoding

THUMBNAIL_PIXELS = 400
SCALABLE = frozenset({"RGB", "RGBA", "L", "LA"})
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


def make_thumbnail(source: Path, target: Path) -> None:
    """Write a WebP of at most 400 by 400 pixels, upright, without the original's metadata.

    Of an animation it shows the first picture. Blocks; raises OSError or ValueError for what is no image.
    """
    with Image.open(source, formats=["PNG", "JPEG", "GIF", "WEBP"]) as image, decoding(*image.size):
        # JPEG is decoded no larger than needed.
        image.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))
        mode = "RGBA" if image.has_transparency_data else "RGB"
        # As it is where it can be: a copy of 40 megapixels costs 160 MB.
        small = image if image.mode in SCALABLE else image.convert(mode)
        small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS), Image.Resampling.LANCZOS)
        turn = find_turn(image)
        if turn is not None:
            small = small.transpose(turn)
        # A picture of its own takes nothing along that the original's metadata says.
        bare = Image.new(mode, small.size)
        bare.paste(small.convert(mode))
        bare.save(target, "WEBP", quality=80)


def find_turn(image: Image.Image) -> Image.Transpose | None:
    """How to make an image upright; None where it is, or where its metadata makes no sense."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        # Pillow reads what anybody wrote there, and raises whatever comes of it.
        return None

"""Pictures for the posts of the demo company, drawn when it is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw

from nexcorp.db import sql
from nexcorp.domain.attachments import Kept
from nexcorp.integrations.storage import take_in

WIDTH, HEIGHT = 960, 540
Colour = tuple[int, int, int]


def paint_sky(top: Colour, bottom: Colour) -> Image.Image:
    """Paint a vertical gradient between two colours."""
    column = Image.new("RGB", (1, HEIGHT))
    for y in range(HEIGHT):
        column.putpixel((0, y), mix(top, bottom, y / HEIGHT))
    return column.resize((WIDTH, HEIGHT))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Mix two colours; `share`, from 0 to 1, is the part of the second one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def draw_hills() -> Image.Image:
    """Draw rows of hills, the nearest the darkest."""
    image = paint_sky((178, 205, 235), (252, 236, 214))
    draw = ImageDraw.Draw(image)
    draw.ellipse((690, 70, 780, 160), fill=(255, 246, 220))
    for row in range(4):
        level, height, phase = 250 + 75 * row, 70 - 9 * row, 1.9 * row
        ridge = [
            (x, level - height * math.sin(x / (150 - 14 * row) + phase) * math.cos(x / 410 + phase))
            for x in range(0, WIDTH + 8, 8)
        ]
        colour = mix((156, 178, 196), (38, 78, 70), row / 3)
        draw.polygon([(0, HEIGHT), *ridge, (WIDTH, HEIGHT)], fill=colour)
    return image


def draw_lake() -> Image.Image:
    """Draw the sun above a lake, with its reflection."""
    image = paint_sky((58, 64, 120), (250, 178, 122))
    draw = ImageDraw.Draw(image)
    draw.ellipse((430, 190, 530, 290), fill=(255, 226, 160))
    shore = [(x, 300 - 34 * abs(math.sin(x / 130)) - 12 * math.sin(x / 37)) for x in range(0, WIDTH + 8, 8)]
    draw.polygon([(0, 320), *shore, (WIDTH, 320)], fill=(46, 48, 84))
    draw.rectangle((0, 320, WIDTH, HEIGHT), fill=(74, 82, 134))
    for step in range(18):
        y, half = 328 + 12 * step, 46 + 26 * math.sin(2.3 * step) + 2 * step
        colour = mix((255, 214, 150), (96, 100, 150), step / 20)
        draw.rounded_rectangle((480 - half, y, 480 + half, y + 5), 2, fill=colour)
    return image


def draw_bars() -> Image.Image:
    """Draw a bar chart whose last bars are low."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (246, 247, 249))
    draw = ImageDraw.Draw(image)
    for line in range(5):
        draw.line((70, 460 - 90 * line, 890, 460 - 90 * line), fill=(214, 218, 226), width=2)
    for day, minutes in enumerate((15.5, 16.2, 15.1, 16.8, 8.4, 7.9, 7.6)):
        left, colour = 95 + 114 * day, (79, 70, 229) if minutes < 10 else (165, 170, 190)
        draw.rounded_rectangle((left, 460 - 21 * minutes, left + 78, 460), 6, fill=colour)
    draw.line((70, 460, 890, 460), fill=(89, 98, 115), width=3)
    return image


async def keep_picture(
    conn: Any, store: Any, owner_id: UUID, name: str, draw: Callable[[], Image.Image], alt: str
) -> Kept:
    """Draw a picture and put it into the local store, in the transaction of its row; finish_uploads() shows
    it.

    If the transaction fails, the row is gone and the worker deletes the file.
    """
    store.incoming.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=store.incoming) as folder:
        path = Path(folder) / name
        draw().save(path)
        contents = take_in(path, name, False)
        key = store.make_key(contents)
        upload_id = await sql.uploads.reserve_upload(
            conn,
            owner_id=owner_id,
            store=store.name,
            store_key=key,
            name=name,
            type=contents.type,
            bytes=contents.bytes,
            width=contents.width,
            height=contents.height,
            charset=None,
            alt=alt,
        )
        return Kept(upload_id, await store.put(path, key, contents))

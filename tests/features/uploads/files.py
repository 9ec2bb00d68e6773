"""Make files and upload them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import aiohttp
from PIL import Image

API = "/api/v1"


def picture(kind: str = "PNG", width: int = 40, height: int = 30, **save: Any) -> bytes:
    """Return an image, red on the left and blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    target = io.BytesIO()
    image.save(target, kind, **save)
    return target.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header announces `width` x `height` pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zipped(**entries: str) -> bytes:
    """Return a zip with these entries; pass names with `/` or brackets by `**{}`."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return target.getvalue()


DOCX = zipped(**{"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"})
MACRO = zipped(**{"[Content_Types].xml": "<Types/>", "word/vbaProject.bin": "x", "word/document.xml": "<w/>"})
ODT = zipped(mimetype="application/vnd.oasis.opendocument.text", **{"content.xml": "<x/>"})


def long_table() -> bytes:
    """Return a zip of a document and very many empty entries: small to send, large to list."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
        for number in range(25_000):
            archive.writestr(f"{number}", "")
    return target.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><script>alert(1)</script>"


def form(*files: tuple[bytes, str, str], **fields: str) -> aiohttp.FormData:
    """A form with (bytes, name, announced type) parts called `file`, behind its fields."""
    data = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in fields.items():
        data.add_field(name, value)
    for content, name, announced in files:
        # aiohttp warns of bytes over a megabyte, but not of files.
        data.add_field("file", io.BytesIO(content), filename=name, content_type=announced)
    return data


async def send(user: Any, content: bytes, name: str = "a.png", announced: str = "image/png") -> Any:
    """Upload a file; return the answer."""
    return await user.client.post(f"{API}/uploads", data=form((content, name, announced)))


async def upload(user: Any, content: bytes | None = None, name: str = "a.png") -> dict[str, Any]:
    """Upload a file, which must succeed; return the upload."""
    answer = await send(user, content or picture(), name)
    assert answer.status == 201, await answer.text()
    data: dict[str, Any] = await answer.json()
    return data


def stored(config: Any) -> list[str]:
    """The names of all files in MEDIA_ROOT, including unfinished ones."""
    return sorted(path.name for path in config.media_path.rglob("*") if path.is_file())

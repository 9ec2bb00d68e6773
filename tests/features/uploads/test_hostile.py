"""Files made to harm their reader: by memory, by time, or by an unexpected error."""

from __future__ import annotations

import bz2
import io
import struct
import time
import tracemalloc
import zlib
from uuid import UUID

import pytest
from PIL import Image

from tests.api import get_json
from tests.features.uploads.files import ODT, picture, send, stored, upload
from workers.jobs.uploads import MAX_ATTEMPTS, make_thumbnails

pytestmark = pytest.mark.usefixtures("asleep")
MEGABYTE = 1024 * 1024
DEFLATED, BZIP2, LZMA = 8, 12, 14


def packed(method: int, content: bytes) -> bytes:
    """Return a zip whose first entry, `mimetype`, claims 60 bytes; `content` is its packed data."""
    name = b"mimetype"
    common = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 0, 0, len(content), 60, len(name), 0)
    local = b"PK\3\4" + common + name + content
    entry = b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local), 0)
    return local + entry + end


def zeros(megabytes: int) -> bytes:
    """Return so many megabytes of zeros, packed by bzip2: a gigabyte takes less than a kilobyte."""
    packer = bz2.BZ2Compressor()
    return b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)) + packer.flush()


def many_scans(number: int, width: int = 4000, height: int = 4000) -> bytes:
    """Return a progressive JPEG of `number` scans, each a few bytes that say: all blocks are empty."""
    blocks = -(-width // 8) * -(-height // 8)

    def segment(kind: int, data: bytes) -> bytes:
        return bytes([0xFF, kind]) + struct.pack(">H", len(data) + 2) + data

    # One bit, then 14 bits with the number of blocks beyond 16,384 that end here.
    runs = "0" * 15 * -(-blocks // 2**14)
    runs += "1" * (-len(runs) % 8)
    scan = segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + int(runs, 2).to_bytes(len(runs) // 8, "big")
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xDB, b"\0" + b"\1" * 64),
            segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + bytes([1, 0x11, 0])),
            segment(0xC4, bytes([0x00, 1, *[0] * 15, 0x00])),
            segment(0xC4, bytes([0x10, 1, *[0] * 15, 0xE0])),
            segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(-(-blocks // 8)),
            scan * number,
            b"\xff\xd9",
        )
    )


async def test_a_document_is_not_unpacked_without_limit(make_user, config):
    user = await make_user()
    tracemalloc.start()
    try:
        answer = await send(user, packed(BZIP2, zeros(200)), "a.odt")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (answer.status, (await answer.json())["code"]) == (415, "unsupported_file_type")
    assert peak < 50 * MEGABYTE
    assert stored(config) == []


async def test_what_cannot_be_unpacked_is_refused(make_user, config):
    user = await make_user()
    for content in (
        packed(DEFLATED, b"\xff" * 40),
        packed(DEFLATED, zlib.compress(b"x" * 60)),
        packed(LZMA, b"\xff" * 40),
        packed(BZIP2, b"\xff" * 40),
        packed(99, b"\xff" * 40),
    ):
        answer = await send(user, content, "a.odt")
        assert (answer.status, (await answer.json())["code"]) == (415, "unsupported_file_type")
    assert (await send(user, ODT, "a.odt")).status == 201


async def test_a_jpeg_of_very_many_scans_is_not_decoded(make_user, config):
    user = await make_user()
    started = time.monotonic()
    answer = await send(user, many_scans(100_000), "a.jpg")
    assert (answer.status, (await answer.json())["code"]) == (422, "broken_image")
    # Decoding the image would take minutes.
    assert time.monotonic() - started < 5
    assert stored(config) == []
    for content in (
        many_scans(20, 400, 400),
        picture("JPEG", progressive=True),
        # Anything may follow the image's end: phones append a film there.
        picture("JPEG") + many_scans(200, 80, 80),
        # A segment may hold the same bytes, too, as a preview does.
        picture("JPEG", exif=b"Exif\0\0" + b"\xff\xda\0\2" * 500),
    ):
        assert (await send(user, content, "a.jpg")).status == 201


async def test_odd_metadata_costs_no_thumbnail(make_user, job_context, config):
    user = await make_user()
    # Rotated by 90 degrees, and a resolution that is a text: Pillow reads it, but cannot write it again.
    tags = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHI4s", 0x011A, 1, 4, b"abc\0")
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + tags + bytes(4)
    image = io.BytesIO()
    Image.new("RGB", (80, 40)).save(image, "JPEG", exif=exif)
    ids = [(await upload(user, content, "a.jpg"))["id"] for content in (image.getvalue(), picture("JPEG"))]
    assert await make_thumbnails(job_context) == 2
    for upload_id in ids:
        assert (await get_json(user.client, f"/uploads/{upload_id}"))["thumbnailUrl"]
    sizes = set()
    for path in config.media_path.rglob("*.thumb.webp"):
        with Image.open(path) as thumbnail:
            sizes.add(thumbnail.size)
    assert sizes == {(40, 80), (40, 30)}


async def test_an_image_that_breaks_the_decoder_keeps_no_other_waiting(
    make_user, job_context, service, monkeypatch
):
    user = await make_user()
    ids = [UUID((await upload(user))["id"]) for _ in range(4)]
    make = job_context["stores"]["local"].make_thumbnail
    async with service.db.connection(wait=5) as conn:
        bad = await conn.fetchval("SELECT store_key FROM uploads WHERE id = $1", ids[0])

    async def crash(key):
        if key == bad:
            raise TypeError("of a kind that nobody expects")
        return await make(key)

    monkeypatch.setattr(job_context["stores"]["local"], "make_thumbnail", crash)
    assert await make_thumbnails(job_context) == 3
    # An image that kills the worker is not tried for ever; the others keep their attempts.
    async with service.db.connection(wait=5) as conn:
        await conn.execute("UPDATE thumbnail_queue SET next_at = now(), attempts = $1", MAX_ATTEMPTS)

    async def never(*arguments):
        raise AssertionError("it was tried again")

    monkeypatch.setattr(job_context["stores"]["local"], "make_thumbnail", never)
    assert await make_thumbnails(job_context) == 0
    async with service.db.connection(wait=5) as conn:
        assert await conn.fetchval("SELECT count(*) FROM thumbnail_queue") == 0

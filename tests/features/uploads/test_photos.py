"""Images of real cameras and programs: accepted with small faults, shown upright, without metadata."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pi_heif
import pytest
from PIL import Image, ImageCms

from nexcorp.integrations.storage.images import open_image
from nexcorp.integrations.storage.metadata import CLEANERS
from nexcorp.integrations.storage.thumbnails import make_thumbnail
from tests.features.uploads import photos
from tests.features.uploads.files import API, DOCX, form, picture, send, upload
from tests.features.uploads.photos import PLACE, PLACE_TEXT, chunk, exif, photo, png, saved, xmp
from tests.web.calls import serving

pytestmark = pytest.mark.usefixtures("asleep")
pi_heif.register_heif_opener(thumbnails=False)


async def served(user: Any, content: bytes, name: str) -> bytes:
    """Upload a file; return the bytes that /media serves."""
    url = (await upload(user, content, name))["url"]
    return bytes(await (await user.client.get(url)).read())


async def test_small_faults_are_forgiven_and_missing_pixels_are_not(make_user):
    user = await make_user()
    baseline, progressive = (saved(Image.effect_noise((90, 70), 40), "JPEG", progressive=it) for it in (0, 1))
    plain = png()
    long_text = chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * 3_000_000))
    long_profile = chunk(b"iCCP", b"long\0\0" + zlib.compress(bytes(9_000_000)))
    for content, status in (
        *((image[:-cut], 201) for image in (baseline, progressive) for cut in (1, 2)),
        *((image[:-cut], 422) for image in (baseline, progressive) for cut in (40, len(image) // 2)),
        (plain[:-3], 201),
        (plain[:-12], 201),
        (plain[:-14], 201),
        (plain[:-40], 422),
        (png(long_text), 201),
        (png(long_profile), 201),
        (png(chunk(b"tEXt", b"a\0b", broken=True), chunk(b"gAMA", b"\0\0\xb1\x8f", broken=True)), 201),
        (plain.replace(b"IHDR\0\0\1", b"IHDR\0\0\2"), 422),
        (picture("GIF")[:-1], 201),
        (picture("GIF")[:-40], 422),
    ):
        answer = await send(user, content, "a")
        assert answer.status == status, (content[:12], len(content), await answer.text())
    # The file is served completed.
    assert (await served(user, plain[:-14], "a.png")) == plain
    assert (await served(user, baseline[:-1], "a.jpg")) == baseline
    assert (await served(user, picture("GIF")[:-1], "a.gif")) == picture("GIF")


async def test_width_and_height_are_those_that_are_shown(make_user):
    user = await make_user()
    turned = b"Exif\0\0" + exif(6)
    lying = Image.new("RGB", (16, 8), "red")
    for content, size, kind in (
        *((photo(turn), (40, 30) if turn < 5 else (30, 40), "image/jpeg") for turn in range(1, 9)),
        (photos.HEIC, (48, 64), "image/heic"),
        (saved(lying, "AVIF", exif=turned), (8, 16), "image/avif"),
        (saved(lying, "WEBP", exif=turned), (8, 16), "image/webp"),
        (saved(lying, "PNG", exif=turned), (8, 16), "image/png"),
        (saved(Image.new("RGB", (8192, 6144)), "JPEG"), (8192, 6144), "image/jpeg"),
    ):
        mine = await upload(user, content, "photo")
        assert ((mine["width"], mine["height"]), mine["type"]) == (size, kind)


async def test_nothing_tells_where_a_photo_was_taken(make_user, config, tmp_path):
    user = await make_user()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", (32, 16), "red")
    told = {"exif": b"Exif\0\0" + exif(6), "icc_profile": profile}
    xmp_gif = b"\x21\xff\x0bXMP DataXMP" + bytes([len(xmp())]) + xmp() + b"\0"
    gif = saved(image, "GIF", comment=PLACE_TEXT)
    for content, name, orientation in (
        (photo(6), "a.jpg", 6),
        (png(chunk(b"eXIf", exif(6)), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp())), "a.png", 6),
        (saved(image, "WEBP", xmp=xmp(), **told), "a.webp", 6),
        (saved(image, "AVIF", xmp=xmp(), **told), "a.avif", 6),
        (photos.HEIC, "a.heic", 1),
        (gif[:-1] + xmp_gif + b";", "a.gif", 1),
    ):
        # Check that the sent file holds the place.
        assert PLACE in content or PLACE_TEXT in content or b"48.1" in content
        body = await served(user, content, name)
        assert PLACE not in body and PLACE_TEXT not in body and b"48.1" not in body, name
        path = tmp_path / name
        path.write_bytes(body)
        with open_image(path) as shown, Image.open(io.BytesIO(content)) as sent:
            assert shown.getexif().get(0x0112, 1) == orientation, name
            assert shown.info.get("icc_profile") == sent.info.get("icc_profile")
            assert shown.tobytes() == sent.tobytes(), name
    film = await served(user, photos.film(), "a.mp4")
    assert PLACE_TEXT not in film and len(film) == len(photos.film()) and b"pixels" in film
    # A file without metadata is served unchanged.
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF"):
        plain = saved(image, kind)
        assert await served(user, plain, "a") == plain, kind


async def test_an_operator_may_keep_what_photos_tell(web_only):
    async with serving(web_only, keep_metadata=True) as (_, client):
        answer = await client.post(f"{API}/uploads", data=form((photo(6), "a.jpg", "")))
        mine = await answer.json()
        assert (mine["width"], mine["height"]) == (30, 40)
        assert await (await client.get(mine["url"])).read() == photo(6)


def thumbnail(tmp_path: Any, content: bytes) -> Image.Image:
    """The thumbnail of an image."""
    source, target = tmp_path / "source", tmp_path / "target.webp"
    source.write_bytes(content)
    make_thumbnail(source, target)
    with Image.open(target) as small:
        return small.convert("RGBA")


def test_thumbnails_look_like_their_originals(tmp_path):
    # A gradient of 16-bit grey stays a gradient, scaled down or not.
    for width in (300, 1200):
        row = b"".join(struct.pack(">H", column * 65535 // (width - 1)) for column in range(width))
        small = thumbnail(tmp_path, png(depth=16, colour=0, row=row, width=width))
        seen = [small.getpixel((small.width * part // 4, small.height // 2))[0] for part in (1, 2, 3)]
        assert all(abs(got - want) < 6 for got, want in zip(seen, (64, 128, 191), strict=True)), seen
    # With the swapped profile, red means sRGB's green; it may also be half transparent.
    profile = photos.swapped_profile()
    for mode, red in (("RGB", (255, 0, 0)), ("RGBA", (255, 0, 0, 128))):
        for kind in ("PNG", "WEBP"):
            image = saved(Image.new(mode, (50, 50), red), kind, icc_profile=profile, lossless=True)
            pixel = thumbnail(tmp_path, image).getpixel((25, 25))
            assert pixel[0] < 30 and pixel[1] > 225 and abs(pixel[3] - (red[3:] or (255,))[0]) < 3
    # A broken profile, or one for another kind of image, is ignored.
    for broken in (b"nothing", profile[:200]):
        image = saved(Image.new("RGB", (50, 50), "red"), "PNG", icc_profile=broken)
        assert thumbnail(tmp_path, image).getpixel((25, 25))[:2] >= (240, 0)
    gray = saved(Image.new("L", (50, 50), 128), "PNG", icc_profile=profile)
    assert thumbnail(tmp_path, gray).getpixel((25, 25))[0] in range(120, 136)
    # HEIC and AVIF: red on the left, and upright.
    avif = saved(Image.open(io.BytesIO(picture())), "AVIF", exif=b"Exif\0\0" + exif(6))
    for content, size in ((photos.HEIC, (48, 64)), (avif, (30, 40))):
        small = thumbnail(tmp_path, content)
        assert small.size == size
        assert (
            small.getpixel((size[0] // 2, 4))[0] > 200
            and small.getpixel((size[0] // 2, size[1] - 5))[2] > 200
        )


def test_files_of_very_many_parts_are_not_read_through():
    for kind, content in (
        ("JPEG", b"\xff\xd8" + b"\xff\xfe\0\2" * 200_000),
        ("JPEG", b"\xff\xd8" + b"\xff\xd0" * 200_000),
        ("PNG", b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt", b"") * 200_000),
        ("WEBP", b"RIFF\0\0\0\0WEBP" + b"junk\0\0\0\0" * 200_000),
        ("GIF", b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\1a" * 2_000_000),
        ("HEIF", photos.HEIC + photos.box(b"free") * 200_000),
    ):
        with pytest.raises(ValueError):
            CLEANERS[kind](content)
    # Overlapping items: each is blanked, and together they must not exceed the file's size.
    items = photos.box(b"iinf", bytes(5) + b"\1", photos.box(b"infe", b"\2\0\0\0\0\1\0\0Exif\0"))
    places = photos.box(b"iloc", b"\0\0\0\0\x44\0\0\1\0\1\0\0\xff\xff", (bytes(6) + b"\xff\xff") * 65_535)
    with pytest.raises(ValueError):
        CLEANERS["HEIF"](photos.HEIC[:28] + photos.box(b"meta", bytes(4), items, places))


def broken_boxes() -> list[bytes]:
    """Return HEIC files with wrong tables."""
    place = photos.HEIC.index(b"iloc")
    found = [photos.HEIC[:-1], photos.HEIC[:200]]
    for offset in range(place, place + 60, 7):
        content = bytearray(photos.HEIC)
        content[offset] ^= 0xFF
        found.append(bytes(content))
    # An item of unknown kind: the library reads from an invalid address, and its process crashes.
    content = bytearray(photos.HEIC)
    content[214], content[216] = 1, 0xB2
    return [*found, bytes(content)]


async def test_hostile_boxes_are_refused_or_harmless(make_user):
    user = await make_user()
    for content in (
        *broken_boxes(),
        photos.film()[:-5],
        b"\0\0\0\x08ftypisom" + b"\0\0\0\1moov" + b"\xff" * 8,
    ):
        answer = await send(user, content, "a")
        assert answer.status in (201, 413, 415, 422), await answer.text()
    # A raw photo has the boxes of a film, but is refused.
    assert (await send(user, photos.box(b"ftyp", b"crx \0\0\0\1isom"), "a.cr3")).status == 415


async def test_files_as_programs_write_them(make_user, client):
    user = await make_user()
    table = "Straße;Größe\nMünchen;3\n"
    page = b'# Tool\n\n<p align="center"><img src="logo.png"></p>\n<html><title>502</title>\n'
    for content, name, kept, kind in (
        (b"\xef\xbb\xbf\n  %PDF-1.4\n...", "a.pdf", "a.pdf", "application/pdf"),
        (b"% made by hand\n%PDF-1.4\n...", "a.pdf", "a.pdf", "application/pdf"),
        (b"how to find %PDF-1.4 in a file", "a.txt", "a.txt", "text/plain; charset=utf-8"),
        (table.encode("cp1252"), "a.csv", "a.csv", "text/csv; charset=windows-1252"),
        (table.encode("utf-16"), "a.csv", "a.csv", "text/csv; charset=utf-16le"),
        (table.encode("utf-16-be"), "a.csv", "a.csv", "text/csv; charset=utf-16be"),
        ("表示;番号\n東京;3\n".encode("cp932"), "a.csv", "a.csv", "text/csv"),
        (b'{"a": 1}', "data.json", "data.json", "text/plain; charset=utf-8"),
        (b"#!/bin/sh\necho hi\n", "run.sh", "run.sh", "text/plain; charset=utf-8"),
        (b"<script setup>1</script>", "App.vue", "App.vue", "text/plain; charset=utf-8"),
        (b"echo hi", "run.bat", "run.bat.txt", "text/plain; charset=utf-8"),
        (b"\x1b[32mok\x1b[0m\n", "build.log", "build.log", "text/plain; charset=utf-8"),
        (page, "README.md", "README.md", "text/markdown; charset=utf-8"),
        (page, "notes.txt", "notes.txt", "text/plain; charset=utf-8"),
        (photos.film(), "clip.MP4", "clip.MP4", "video/mp4"),
        (photos.film(), "clip.txt", "clip.txt.mp4", "video/mp4"),
        (DOCX, "a.docx", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ):
        mine = await upload(user, content, name)
        assert (mine["name"], mine["type"]) == (kept, kind.partition(";")[0]), name
        answer = await client.get(mine["url"])
        assert answer.headers["Content-Type"] == kind and len(await answer.read()) == len(content)
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

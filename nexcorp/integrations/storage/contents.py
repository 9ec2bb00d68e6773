"""Find a file's type by its bytes: images are decoded, others recognised by beginning or structure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nexcorp.errors import UnsupportedMediaType
from nexcorp.integrations.storage import texts
from nexcorp.integrations.storage.archives import DOCUMENT_NAMES, ZIP, inspect_zip
from nexcorp.integrations.storage.boxes import blank_film, brand_of
from nexcorp.integrations.storage.disk import storing
from nexcorp.integrations.storage.images import IMAGES, BrokenImage, clean_image, image_format

__all__ = ["IMAGES", "BrokenImage", "Contents", "UnsupportedFileType", "limit_of", "take_in"]

MEGABYTE = 1024 * 1024
MAX_IMAGE_BYTES = 10 * MEGABYTE
MAX_FILE_BYTES = 25 * MEGABYTE
HEAD_BYTES = 4096
# Programs put a byte order mark or a line before a PDF's header; readers search this many bytes.
PDF_HEAD_BYTES = 1024
PDF = b"%PDF-"
# Films and sound by brand; other ISO media files count as films.
FILMS = {b"qt  ": ("video/quicktime", ".mov"), b"M4A ": ("audio/mp4", ".m4a"), b"M4B ": ("audio/mp4", ".m4a")}
FILM = ("video/mp4", ".mp4")
FILM_BRANDS = re.compile(rb"iso[m2-9]|mp4[12v]|avc1|dash|cmf|M4[ABV]|3g|qt  |MSNV|XAVC|mmp4|f4v ")
# Equivalent extensions.
ALSO = {".jpg": (".jpeg", ".jfif"), ".heic": (".heif",), ".mp4": (".m4v",), ".m4a": (".m4b",)}
# A file with such a name that is not an image is refused.
IMAGE_NAMES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".webp",
        ".svg",
        ".bmp",
        ".ico",
        ".avif",
        ".heic",
        ".heif",
        ".tif",
        ".tiff",
    }
)


class UnsupportedFileType(UnsupportedMediaType):
    """The file's type is not accepted."""

    code = "unsupported_file_type"
    message = "Send an image, a PDF, text, an office document, a zip archive, or an MP4."
    meaning = "Files of this type are not accepted."


@dataclass(frozen=True, slots=True)
class Contents:
    """A file's media type, its extension in a store, its size in bytes, and an image's pixels as shown.

    `charset` is that of a text, empty if unknown; None for other files.
    """

    type: str
    extension: str
    bytes: int
    width: int | None = None
    height: int | None = None
    charset: str | None = None

    @property
    def is_image(self) -> bool:
        """Whether it is an image of a kind that is shown."""
        return self.width is not None

    def fits(self, extension: str) -> bool:
        """Whether a file name may have this extension, in lower case."""
        if self.charset is not None:
            return extension == ".txt" or texts.may_be_called(extension)
        return extension == self.extension or extension in ALSO.get(self.extension, ())


def limit_of(head: bytes) -> int:
    """Return the largest size in bytes of a file that begins like this."""
    return MAX_IMAGE_BYTES if image_format(head) else MAX_FILE_BYTES


def refuse() -> UnsupportedFileType:
    """Return the error for a type that is not accepted."""
    return UnsupportedFileType(errors={"file": ["Is of no type that is taken."]})


def take_in(path: Path, name: str, keep_metadata: bool) -> Contents:
    """Return a file's contents, and remove its metadata unless `keep_metadata`. Blocks: call it in a thread.

    Raises UnsupportedFileType, BrokenImage, and PayloadTooLarge for an image of too many pixels.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    extension = Path(name).suffix.lower()
    kind = image_format(head)
    if kind is not None:
        content, width, height = clean_image(path, kind)
        if not keep_metadata:
            with storing():
                path.write_bytes(content)
        media_type, ending = IMAGES[kind]
        return Contents(media_type, ending, path.stat().st_size, width, height)
    if extension in IMAGE_NAMES:
        raise refuse()
    return inspect_other(path, head, extension, keep_metadata)


def inspect_other(path: Path, head: bytes, extension: str, keep_metadata: bool) -> Contents:
    """Return the contents of a file that is not an image; raises UnsupportedFileType."""
    size = path.stat().st_size
    if is_pdf(head, extension):
        return Contents("application/pdf", ".pdf", size)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        found = inspect_zip(path)
        if found is None or (found == ZIP and extension in DOCUMENT_NAMES):
            raise refuse()
        return Contents(*found, size)
    brand = brand_of(head)
    if brand is not None and FILM_BRANDS.match(brand):
        try:
            if not keep_metadata:
                blank_film(path)
        except ValueError:
            raise refuse() from None
        return Contents(*FILMS.get(brand, FILM), size)
    charset = None if texts.is_page(head, extension) else texts.find_charset(path, head)
    if charset is None:
        raise refuse()
    return Contents(texts.TYPES.get(extension, "text/plain"), ".txt", size, charset=charset)


def is_pdf(head: bytes, extension: str) -> bool:
    """Whether a file begins as a PDF; with the extension .pdf, other bytes may stand before."""
    place = head[:PDF_HEAD_BYTES].find(PDF)
    return place >= 0 and (extension == ".pdf" or not head[:place].strip(b"\xef\xbb\xbf \t\r\n\f\0"))

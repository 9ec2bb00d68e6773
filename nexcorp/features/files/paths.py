"""Check paths of files, and guess media types by them."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from typing import Any

from marshmallow import ValidationError

from nexcorp.domain.fields import Text, is_visible

MAX_BYTES = 512
FORBIDDEN = re.compile(r'[\\:*?"<>|]')
# Unicode categories that PostgreSQL takes for control characters, and surrogates.
CONTROLS = ("Cc", "Cs", "Zl", "Zp")
# They reverse the direction of the text behind them: a program can look like a picture.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# The last one is the short name of .git on Windows.
RESERVED = ("", ".git", "git~1")
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,98}/[a-z0-9][a-z0-9!#$&^_.+-]{0,98}")
TEXT_TYPE, BINARY_TYPE = "text/plain", "application/octet-stream"
# The system's table of types is not read.
TYPES = {
    **mimetypes.types_map.copy(),
    ".md": "text/markdown",
    ".ts": "text/typescript",
    ".tsx": "text/typescript",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    ".ipynb": "application/x-ipynb+json",
    ".webp": "image/webp",
}


def spell(part: str) -> str:
    """Return a part of a path as the least exact file system reads it: in lower case, without characters of
    no width, and without dots and spaces at the end. `.` and `..` become empty."""
    return "".join(char for char in part if unicodedata.category(char) != "Cf").rstrip(". ").lower()


def check_path(text: str) -> str:
    """Return a path in NFC, as it is stored; raises ValidationError."""
    path = unicodedata.normalize("NFC", text)
    if len(path.encode("utf-8", "replace")) > MAX_BYTES:
        raise ValidationError(f"Longer than {MAX_BYTES} bytes.")
    if FORBIDDEN.search(path) or any(
        char in TURNING or unicodedata.category(char) in CONTROLS for char in path
    ):
        raise ValidationError('Holds a control character, or one of \\ : * ? " < > |')
    for part in path.split("/"):
        if not is_visible(part):
            raise ValidationError("Has a part that shows nothing." if part else "Has an empty part.")
        if spell(part) in RESERVED:
            raise ValidationError(f"Has the part {part}, which is reserved.")
    return path


class Path(Text):
    """A field for the path of a file or folder: `docs/plan.md`. A folder's final slash is removed."""

    def __init__(self, *, folder: bool = False, **more: Any) -> None:
        self.folder = folder
        super().__init__(least=1, most=MAX_BYTES, trim=False, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **more)
        if self.folder:
            text = text.removesuffix("/")
        return check_path(text)


def guess_type(path: str, kind: str) -> str:
    """Return the media type of a file by the end of its path, or else by its `kind`."""
    name = path.rpartition("/")[2].lower()
    found = TYPES.get("." + name.rpartition(".")[2]) if "." in name else None
    return found or (TEXT_TYPE if kind == "text" else BINARY_TYPE)

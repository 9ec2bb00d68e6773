"""Paths of files: what may be one, and what is in its way."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from typing import Any

from marshmallow import ValidationError

from nexcorp.domain.fields import Text, is_visible

MAX_BYTES = 512
FORBIDDEN = re.compile(r'[\\:*?"<>|]')
# What PostgreSQL takes for a control character, and halves of characters.
CONTROLS = ("Cc", "Cs", "Zl", "Zp")
# They turn what is written behind them around: a program looks like a picture.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# The last one is what Windows calls .git in short.
RESERVED = ("", ".git", "git~1")
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,98}/[a-z0-9][a-z0-9!#$&^_.+-]{0,98}")
TEXT_TYPE, BINARY_TYPE = "text/plain", "application/octet-stream"
# What the system of this process says of types is not asked.
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
    """A part of a path as the least exact file system reads it: one passes over what has no width, another
    over dots and spaces at the end. `.` and `..` are empty."""
    return "".join(char for char in part if unicodedata.category(char) != "Cf").rstrip(". ").lower()


def check_path(text: str) -> str:
    """A path as it is kept, in NFC; raises ValidationError."""
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
    """The path of a file or folder: `docs/plan.md`; a slash at the end of a folder's is taken off."""

    def __init__(self, *, folder: bool = False, **more: Any) -> None:
        self.folder = folder
        super().__init__(least=1, most=MAX_BYTES, trim=False, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **more)
        if self.folder:
            text = text.removesuffix("/")
        return check_path(text)


def guess_type(path: str, kind: str) -> str:
    """The media type of a file by the end of its path, and whether it is a text."""
    name = path.rpartition("/")[2].lower()
    found = TYPES.get("." + name.rpartition(".")[2]) if "." in name else None
    return found or (TEXT_TYPE if kind == "text" else BINARY_TYPE)

"""Texts: their charset, and the names they may be saved under."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

MEGABYTE = 1024 * 1024
TYPES = {".csv": "text/csv", ".md": "text/markdown"}
EXTENSION = re.compile(r"\.[a-z0-9_+-]{1,10}\Z")
# Files that a browser shows as a page.
PAGES = frozenset({".html", ".htm", ".xhtml", ".xht", ".shtml", ".svg", ".svgz", ".mht", ".mhtml", ".hta"})
# Files that Windows runs on a double click, except for languages that people write and share.
PROGRAMS = frozenset(
    {".exe", ".com", ".scr", ".pif", ".lnk", ".url", ".reg", ".msi", ".cpl", ".jar", ".vbs", ".vbe", ".jse"}
    | {".wsf", ".wsh", ".scf", ".inf", ".bat", ".cmd"}
)
# Sources that begin like a page.
MARKUP = frozenset(
    {".vue", ".svelte", ".php", ".phtml", ".erb", ".ejs", ".hbs", ".jsp", ".asp", ".aspx", ".tmpl", ".tpl"}
    | {".xml", ".xsl", ".xslt"}
)
PAGE = re.compile(rb"\s*<(!doctype\s+(html|svg)|html|head|body|script|iframe|svg|\?xml[^>]*>\s*<svg)\b", re.I)
# Control characters except tab, line feed, form feed, carriage return and escape (terminal colours).
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
UTF_8, UTF_16_LE, UTF_16_BE, WESTERN = "utf-8", "utf-16le", "utf-16be", "windows-1252"
# The charset of a text in one of many that cannot be told apart.
UNKNOWN = ""


def is_page(head: bytes, extension: str) -> bool:
    """Whether a text is a page by its extension, or begins like one and is not a source by its extension."""
    text = head.removeprefix(codecs.BOM_UTF8)
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = text[2:].replace(b"\0", b"")
    return extension in PAGES or (extension not in MARKUP and PAGE.match(text) is not None)


def can_be_read(path: Path, charset: str) -> bool:
    """Whether a whole file is text in a charset, without control characters."""
    decoder = codecs.getincrementaldecoder(charset)()
    try:
        with open(path, "rb") as file:
            while part := file.read(MEGABYTE):
                if NO_TEXT.search(decoder.decode(part)):
                    return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def find_charset(path: Path, head: bytes) -> str | None:
    """Return the charset of a text; UNKNOWN if several fit, None if it is not text."""
    if head.startswith(codecs.BOM_UTF16_LE):
        charsets = [UTF_16_LE]
    elif head.startswith(codecs.BOM_UTF16_BE):
        charsets = [UTF_16_BE]
    elif b"\0" in head:
        charsets = [UTF_16_LE] if is_wide(head[::2], head[1::2]) else []
        charsets += [UTF_16_BE] if is_wide(head[1::2], head[::2]) else []
    else:
        charsets = [UTF_8, *([WESTERN] if is_western(head) else []), "latin-1"]
    found = next((charset for charset in charsets if can_be_read(path, charset)), None)
    return UNKNOWN if found == "latin-1" else found


def is_wide(low: bytes, high: bytes) -> bool:
    """Whether these are the halves of 16-bit characters, most of them Latin."""
    return b"\0" not in low and high.count(0) * 4 >= len(high) * 3


def is_western(head: bytes) -> bool:
    """Whether letters beyond ASCII are as rare as in the languages of windows-1252."""
    letters = [byte for byte in head if byte > 0x40]
    return sum(byte > 0x7F for byte in letters) * 4 <= len(letters)


def may_be_called(extension: str) -> bool:
    """Whether a text may keep a name with this extension."""
    return EXTENSION.match(extension) is not None and extension not in PAGES | PROGRAMS

"""Read contents of files: from the newest version or, if that is behind, from the log of updates."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nexcorp.collab.document import MAX_TEXT_BYTES, Document
from nexcorp.collab.encoding import BadUpdate
from nexcorp.collab.errors import DocumentIncomplete
from nexcorp.collab.versions import read_content, stream_content
from nexcorp.db import Database, sql
from nexcorp.db.encoding import row_to_dict
from nexcorp.errors import FileNotFound, PreconditionFailed

MAX_BINARY_BYTES = 25 * 1024 * 1024
LINE_END = re.compile(r"\r+\n")
BARE = re.compile(r"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Plain:
    """A text as it is stored, with LF line ends, and its original line end: lf or crlf."""

    text: str
    eol: str


def read_plain(content: bytes) -> Plain | None:
    """Return a content as a text; None if it is not UTF-8, holds a NUL, or is longer than 2 MB."""
    if len(content) > 2 * MAX_TEXT_BYTES or b"\0" in content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    crlf = "\r\n" in text and BARE.search(text) is None
    text = LINE_END.sub("\n", text)
    return Plain(text, "crlf" if crlf else "lf") if len(text.encode()) <= MAX_TEXT_BYTES else None


def give_eol(content: bytes, eol: str) -> bytes:
    """Return a text with its original line ends."""
    return content.replace(b"\n", b"\r\n") if eol == "crlf" else content


def make_tag(version: int, seq: int, eol: str) -> str:
    """Return the ETag of a content."""
    return f'"{version}-{seq}{"-crlf" if eol == "crlf" else ""}"'


def changed_since(file: Any) -> PreconditionFailed:
    """Return the error for a content that If-Match does not name."""
    return PreconditionFailed(
        message="The content has changed in the meantime: read it again.", current=row_to_dict(file)
    )


def check_tags(tags: list[str] | None, seq: int, file: Any) -> None:
    """Raise PreconditionFailed unless `tags`, from If-Match, hold the tag of the content; None passes.

    For a text only the newest update and the line ends count, as a worker may have made a version meanwhile.
    """
    if tags is None:
        return
    known = make_tag(file["contentVersion"], seq, file["eol"]).strip('"')
    if file["kind"] == "text":
        tags, known = [one.partition("-")[2] for one in tags], known.partition("-")[2]
    if known not in tags:
        raise changed_since(file)


async def load_document(conn: Any, file_id: UUID) -> tuple[int, Document]:
    """Return the number of a text's newest update, and the text; raises FileNotFound, DocumentIncomplete."""
    row = await sql.collab.open_document(conn, file_id=file_id)
    if row is None:
        raise FileNotFound()
    updates = row["updates"]
    if row["settled_seq"] + len(updates) != row["last_seq"]:
        raise DocumentIncomplete()
    try:
        document = await asyncio.to_thread(Document.load, row["state"], updates, row["root"])
    except BadUpdate as error:
        raise DocumentIncomplete() from error
    return row["last_seq"], document


async def read_now(conn: Any, row: Any) -> bytes:
    """Return the current content of a text or an empty binary; `row` is one of file_contents. Raises
    FileNotFound, DocumentIncomplete."""
    if row["unsettled"]:
        _, document = await load_document(conn, row["id"])
        return await asyncio.to_thread(document.read_content)
    return await read_content(conn, row["sha256"]) if row["sha256"] is not None else b""


async def cut_part(pieces: AsyncIterator[bytes], first: int, size: int) -> AsyncIterator[bytes]:
    """Yield `size` bytes of a content, from byte `first` on."""
    async for piece in pieces:
        if first >= len(piece):
            first -= len(piece)
            continue
        part = piece[first : first + size]
        first, size = 0, size - len(part)
        yield part
        if not size:
            return


def stream_binary(database: Database, sha256: bytes, first: int, size: int) -> AsyncIterator[bytes]:
    """Yield `size` bytes of a binary content from byte `first` on; holds no connection while sending."""
    return cut_part(stream_content(database, sha256), first, size)

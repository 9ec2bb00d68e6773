"""multipart/form-data: read fields, write files to disk as they arrive, within limits of size and time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import BadHttpMessage

from nexcorp.config import Config
from nexcorp.context import aside
from nexcorp.domain.fields import is_visible
from nexcorp.errors import (
    BadRequest,
    Invalid,
    Overloaded,
    PayloadTooLarge,
    TooManyRequests,
    UnsupportedMediaType,
)
from nexcorp.integrations.storage.disk import require_room, storing
from nexcorp.security.app_keys import CONFIG, user_id
from nexcorp.web.bodies import Content

CHUNK_BYTES = 64 * 1024
# Files are written in pieces of this size, in a thread: a slow disk does not block the event loop.
PIECE_BYTES = 256 * 1024
MEGABYTE = 1024 * 1024
HEAD_BYTES = 16
MAX_FIELDS = 20
MAX_FIELD_BYTES = 128 * 1024
MAX_NAME_CHARS = 200
# Enough for the headers of all parts; the preamble before the first part may have any number of lines.
MAX_LINES = 10_000
# All files of a form together.
MAX_FORM_BYTES = 100 * 1024 * 1024
# How long a form may take, how long the client may send nothing, and the slowest average rate after that.
FORM_SECONDS = 600.0
STALL_SECONDS = 15.0
MIN_BYTES_A_SECOND = 8 * 1024
# Forms that one process receives at once. One person may use at most a third of the places that are left:
# eight while the process receives no other forms, fewer when it receives many, but always one.
MAX_RECEIVING = 32
SHARE_OF_ONE = 3
BLANKS = re.compile(r"\s+")

_receiving: Counter[UUID] = Counter()


# The digest of a body that was read as a stream and cannot be read again.
BODY_DIGEST = web.RequestKey("body_digest", bytes)


class MalformedForm(BadRequest):
    """The form cannot be read; the message says why."""

    code, message = "malformed_form", "The form is broken, or does not arrive whole."
    meaning = "The form is broken, or does not arrive whole."


class UploadStalled(BadRequest):
    """No byte arrived for STALL_SECONDS."""

    code, message = "upload_stalled", "The body does not arrive."
    meaning = "Nothing of the body came for 15 seconds."


class UploadTooSlow(BadRequest):
    """Less than MIN_BYTES_A_SECOND arrived on average."""

    code, message = "upload_too_slow", "The body arrives too slowly."
    meaning = "The body comes at less than 8 KB a second."


class TooManyUploadsAtOnce(TooManyRequests):
    """This person has used up their share of the forms received at once."""

    code, message = "too_many_uploads_at_once", "Wait until others of your uploads have ended."
    meaning = "You are sending eight forms at once already, or fewer while other users send many."


@dataclass(frozen=True, slots=True)
class Form:
    """A route's form: up to `most_files` parts called `file`, beside the fields of its body.

    `limit`: maps a file's first bytes to its maximum size in bytes. `optional`: JSON is accepted, too.
    """

    most_files: int
    limit: Callable[[bytes], int]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A received file; it is deleted once its request is answered."""

    path: Path
    name: str
    bytes: int


@dataclass(slots=True)
class Received:
    """The fields and files of one form, and a digest of all. `lists`: the fields that may be repeated."""

    lists: frozenset[str] = frozenset()
    # A text, or for fields in `lists` all texts in the order sent.
    values: dict[str, Any] = field(default_factory=dict)
    fields: int = 0
    files: list[File] = field(default_factory=list)
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=32))


def too_large() -> PayloadTooLarge:
    """Return the error for a form over MAX_FORM_BYTES."""
    return PayloadTooLarge(message=f"The form is over {MAX_FORM_BYTES} bytes.")


class Pace:
    """Limits on how long the next bytes may take, how slowly they may arrive, and how many there may be."""

    def __init__(self) -> None:
        self._started, self._bytes = time.monotonic(), 0

    async def read(self, reading: Any) -> Any:
        """Await one read; raises UploadStalled if it takes longer than STALL_SECONDS."""
        try:
            async with asyncio.timeout(STALL_SECONDS):
                return await reading
        except TimeoutError:
            raise UploadStalled() from None

    def count(self, number: int) -> None:
        """Count received bytes; raises UploadTooSlow, or PayloadTooLarge if there are too many."""
        self._bytes += number
        if self._bytes > MAX_FORM_BYTES:
            raise too_large()
        late = time.monotonic() - self._started - STALL_SECONDS
        if self._bytes < late * MIN_BYTES_A_SECOND:
            raise UploadTooSlow()


# Joiners hold emoji and words together; beside an ASCII character or an end of the name they deceive.
JOINERS = re.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")


def is_harmless(char: str) -> bool:
    """Return whether a character may stand in a file name."""
    return char in "\u200c\u200d" or unicodedata.category(char)[0] != "C"


def clean_name(text: str | None) -> str:
    """Return a safe file name to show and to save under: no folders, no control characters, not too long."""
    name = unicodedata.normalize("NFC", (text or "").replace("\\", "/").rpartition("/")[2])
    # Line feeds, NUL, and marks that make "gpj.exe" read as "exe.jpg".
    name = JOINERS.sub("", "".join(char if is_harmless(char) else " " for char in name))
    name = BLANKS.sub(" ", name).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not is_visible(stem if dot else name):
        return f"file.{extension}" if dot and len(extension) <= 10 else "file"
    if dot and len(extension) <= 10:
        return stem[: MAX_NAME_CHARS - 1 - len(extension)].rstrip(" .") + dot + extension if stem else name
    return name[:MAX_NAME_CHARS] or "file"


def is_form(request: web.Request) -> bool:
    """Return whether the request is a form."""
    return request.content_type == "multipart/form-data"


@asynccontextmanager
async def receive(
    request: web.Request, form: Form, lists: frozenset[str] = frozenset()
) -> AsyncIterator[Received]:
    """Read a form, whose fields in `lists` may be repeated; its files exist until the block ends.

    Raises BadRequest, PayloadTooLarge, UnsupportedMediaType or Invalid, whose message names the problem, and
    TooManyRequests or Unavailable if too many forms are received at once or the disk is full.
    """
    if not is_form(request):
        raise UnsupportedMediaType(message="Send multipart/form-data.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        # Unpacked, two megabytes of lines before the first part block the event loop for twelve seconds.
        raise UnsupportedMediaType(message="Send the form as it is, without Content-Encoding.")
    if (request.content_length or 0) > MAX_FORM_BYTES + MAX_FIELDS * MAX_FIELD_BYTES:
        raise too_large()
    me = user_id(request)
    left = MAX_RECEIVING - _receiving.total()
    if left <= 0:
        raise Overloaded()
    if _receiving[me] >= max(1, left // SHARE_OF_ONE):
        raise TooManyUploadsAtOnce(retry_after=1)
    _receiving[me] += 1
    received = Received(lists)
    begun: list[Path] = []
    try:
        await asyncio.to_thread(find_room, request.app[CONFIG], request.content_length or 0)
        await read_parts(request, form, received, begun)
        request[BODY_DIGEST] = received.digest.digest()
        yield received
    finally:
        _receiving[me] -= 1
        if not _receiving[me]:
            del _receiving[me]
        for path in begun:
            path.unlink(missing_ok=True)


async def read_parts(request: web.Request, form: Form, received: Received, begun: list[Path]) -> None:
    """Read all parts into `received`; every temporary file is added to `begun` when it is opened."""
    pace = Pace()
    try:
        reader = MultipartReader(request.headers, Content(request.content, MAX_LINES))  # type: ignore[arg-type]
        while (part := await pace.read(reader.next())) is not None:
            if not isinstance(part, BodyPartReader) or not part.name:
                raise MalformedForm(message="Every part of the form needs a name.")
            received.digest.update(f"{len(part.name)}:{part.name}:{part.filename}\0".encode())
            if part.name == "file" and part.filename is not None:
                if len(received.files) == form.most_files:
                    raise Invalid(errors={"file": [f"At most {form.most_files}."]})
                if len(begun) == form.most_files + MAX_FIELDS:
                    raise PayloadTooLarge(message="The form has too many fields.")
                file = await read_file(request, part, form, pace, received, begun)
                # A browser sends an empty part without a name for a file field in which nothing was chosen.
                if file.bytes or part.filename:
                    received.files.append(file)
            else:
                await read_field(part, pace, received)
    except (web.RequestPayloadError, ConnectionError, ValueError, BadHttpMessage) as error:
        # Malformed, or truncated.
        raise MalformedForm() from error
    except RuntimeError as error:
        raise MalformedForm(message="The form is broken.") from error


async def read_field(part: BodyPartReader, pace: Pace, received: Received) -> None:
    """Read the value of one field into `received`."""
    name, value = str(part.name), bytearray()
    if name in received.values and name not in received.lists:
        raise Invalid(errors={name: ["Given more than once."]})
    if received.fields == MAX_FIELDS:
        raise PayloadTooLarge(message="The form has too many fields.")
    received.fields += 1
    while chunk := await pace.read(part.read_chunk(CHUNK_BYTES)):
        pace.count(len(chunk))
        value += chunk
        if len(value) > MAX_FIELD_BYTES:
            raise PayloadTooLarge(message=f"A field is over {MAX_FIELD_BYTES} bytes.")
    received.digest.update(b"%d:%b" % (len(value), bytes(value)))
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Invalid(errors={name: ["Is not UTF-8."]}) from None
    if name in received.lists:
        received.values.setdefault(name, []).append(text)
    else:
        received.values[name] = text


async def read_file(
    request: web.Request,
    part: BodyPartReader,
    form: Form,
    pace: Pace,
    received: Received,
    begun: list[Path],
) -> File:
    """Write one file to a temporary file; at most a piece of it is in memory."""
    head, size, limit, piece = b"", 0, 0, bytearray()
    free_bytes = request.app[CONFIG].storage_free_mb * MEGABYTE
    target = open_temporary(request.app[CONFIG].incoming_path, begun)

    def write(piece: bytes) -> None:
        require_room(begun[-1], free_bytes, len(piece))
        with storing():
            target.write(piece)
            target.flush()
        received.digest.update(piece)

    async def write_apart(piece: bytearray) -> None:
        with aside():
            await asyncio.to_thread(write, bytes(piece))

    try:
        while chunk := await pace.read(part.read_chunk(CHUNK_BYTES)):
            pace.count(len(chunk))
            size += len(chunk)
            if len(head) < HEAD_BYTES:
                head = (head + chunk)[:HEAD_BYTES]
                limit = form.limit(head)
            if size > limit:
                raise PayloadTooLarge(
                    message=f"The file is over {limit} bytes.", errors={"file": [f"Over {limit} bytes."]}
                )
            piece += chunk
            if len(piece) >= PIECE_BYTES:
                await write_apart(piece)
                piece.clear()
        await write_apart(piece)
    finally:
        # Every piece is flushed by now; after a failed write, closing would raise the error again.
        with contextlib.suppress(OSError):
            target.close()
    if not size and part.filename:
        raise Invalid(errors={"file": ["Is empty."]})
    received.digest.update(b"%d" % size)
    return File(begun[-1], clean_name(part.filename), size)


def find_room(config: Config, more: int) -> None:
    """Raise StorageFull or StorageUnavailable if `more` bytes cannot be received."""
    with storing():
        config.incoming_path.mkdir(parents=True, exist_ok=True)
    require_room(config.incoming_path, config.storage_free_mb * MEGABYTE, more)


def open_temporary(folder: Path, begun: list[Path]) -> BinaryIO:
    """Open a new file that only this process's user can read."""
    with storing():
        descriptor, name = tempfile.mkstemp(dir=folder)
    begun.append(Path(name))
    return os.fdopen(descriptor, "wb")

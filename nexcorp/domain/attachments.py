"""Files of uploads, posts and tasks: put a file into the store and its row into the database, or neither."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import structlog
from marshmallow import ValidationError, fields

from nexcorp.db import Database, sql
from nexcorp.domain.fields import Items
from nexcorp.errors import AppError, Conflict, Invalid, TooManyRequests

log = structlog.get_logger("nexcorp.uploads")

MAX_POST_FILES = 10
MAX_LOOSE = 100


class TooManyUploads(Conflict):
    """The person has MAX_LOOSE files that are on no post and no task."""

    code, message = "too_many_uploads", "Too many of your files are on no post; remove some first."
    meaning = "100 of your uploads are not attached to anything yet."


class QuotaExceeded(Conflict):
    """The person's files would exceed their quota."""

    code, message = (
        "storage_quota_exceeded",
        "Your files would take more room than you have; remove some first.",
    )
    meaning = "The caller's files would exceed the storage of one account."


class TooManyFiles(TooManyRequests):
    """The person has reached the limit of files added within an hour."""

    code, message = "too_many_files", "You have added very many files within an hour."
    meaning = "The caller has added as many files within an hour as one account may."


class UploadExpired(Invalid):
    """The upload took so long that a worker may already have removed it."""

    code, message = "upload_expired", "The upload took too long; send it again."
    meaning = "The upload took over an hour; send it again."


class File(Protocol):
    """A received file on the disk."""

    @property
    def path(self) -> Path: ...
    @property
    def name(self) -> str: ...
    @property
    def bytes(self) -> int: ...


class Contents(Protocol):
    """A file's type and size as found from its bytes, after its metadata was removed."""

    @property
    def type(self) -> str: ...
    @property
    def extension(self) -> str: ...
    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def bytes(self) -> int: ...
    @property
    def charset(self) -> str | None: ...
    def fits(self, extension: str) -> bool: ...


class Placed(Protocol):
    """The addresses of a stored file."""

    @property
    def url(self) -> str: ...
    @property
    def thumbnail_url(self) -> str | None: ...


class Store(Protocol):
    """The part of nexcorp.integrations.storage that is used here; the web layer must not import that."""

    name: str

    def make_key(self, contents: Any) -> str: ...
    async def put(self, path: Path, key: str, contents: Any) -> Placed: ...


@dataclass(frozen=True, slots=True)
class Storage:
    """The store for new files, all stores by name, and the function that finds a file's type (in a thread).

    `quota`: the bytes that one person may keep; `an_hour`: the files that they may add in an hour; 0 is no
    limit.
    """

    store: Store
    stores: Mapping[str, Any]
    take_in: Callable[[Path, str], Awaitable[Contents]]
    quota: int
    an_hour: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is in the store, and whose row nobody sees yet."""

    id: UUID
    placed: Placed


def fit_name(name: str, contents: Contents) -> str:
    """Return the name with the extension of the file's real type, if it claims another."""
    return name if contents.fits(Path(name).suffix.lower()) else name + contents.extension


async def check_loose(conn: Any, owner_id: UUID) -> None:
    """Raise TooManyUploads if the owner has MAX_LOOSE unattached files: they must not fill the store."""
    if await sql.uploads.count_loose(conn, owner_id=owner_id, most=MAX_LOOSE) >= MAX_LOOSE:
        raise TooManyUploads()


async def check_room(conn: Any, storage: Storage, owner_id: UUID, sizes: Sequence[int]) -> None:
    """Raise QuotaExceeded or TooManyFiles if the owner has no room for files of these sizes.

    Further uploads of the owner wait until this transaction ends, so call it in the one that inserts the
    rows.
    """
    await sql.uploads.take_turn(conn, owner_id=owner_id)
    found = await sql.uploads.measure_owner(conn, owner_id=owner_id)
    if storage.quota and found["bytes"] + sum(sizes) > storage.quota:
        raise QuotaExceeded()
    if storage.an_hour and found["recent"] + len(sizes) > storage.an_hour:
        raise TooManyFiles(retry_after=found["wait"] or 1)


def upload_ids(text: str) -> Items:
    """Return a field for a list of the caller's uploads, each once, in the order in which they are shown."""
    return Items(
        fields.UUID(),
        most=MAX_POST_FILES,
        allow_none=True,
        checks=[check_once],
        metadata={"description": text},
    )


def check_once(ids: list[object]) -> None:
    """Raise ValidationError if an id is named twice."""
    if len(set(ids)) < len(ids):
        raise ValidationError("Names an upload twice.")


@asynccontextmanager
async def keep_files(
    storage: Storage, database: Database, owner_id: UUID, files: Sequence[File], alt: str | None = None
) -> AsyncIterator[list[Kept]]:
    """Put files into the store; the block must then show them, by finish_uploads(), in its transaction.

    `alt` describes the pictures.

    If the store fails, or the block before they are shown, nothing remains: the rows, which are inserted
    before the files are stored, tell the worker what to remove; if this process dies, it removes them after
    an hour.

    Raises the errors of inspecting and storing, TooManyUploads, QuotaExceeded and TooManyFiles.
    """
    async with database.connection() as conn:
        await check_loose(conn, owner_id)
    found = [await storage.take_in(file.path, file.name) for file in files]
    keys = [storage.store.make_key(contents) for contents in found]
    ids: list[UUID] = []
    async with database.transaction() as conn:
        await check_room(conn, storage, owner_id, [contents.bytes for contents in found])
        for file, contents, key in zip(files, found, keys, strict=True):
            upload_id = await sql.uploads.reserve_upload(
                conn,
                owner_id=owner_id,
                store=storage.store.name,
                store_key=key,
                name=fit_name(file.name, contents),
                type=contents.type,
                bytes=contents.bytes,
                width=contents.width,
                height=contents.height,
                charset=contents.charset if contents.charset != "utf-8" else None,
                alt=alt,
            )
            ids.append(upload_id)
    try:
        kept = []
        for upload_id, file, key, contents in zip(ids, files, keys, found, strict=True):
            kept.append(Kept(upload_id, await storage.store.put(file.path, key, contents)))
        yield kept
    except BaseException:
        await take_back(database, ids)
        raise


async def take_back(database: Database, ids: list[UUID]) -> None:
    """Have files removed unless they are shown; if PostgreSQL cannot be asked, the worker does it later."""
    with contextlib.suppress(AppError):
        async with database.connection(wait=2.0) as conn:
            await sql.uploads.remove_unfinished(conn, upload_ids=ids)


async def finish_uploads(conn: Any, kept: Sequence[Kept]) -> list[Any]:
    """Show the stored files; return the rows. Raises UploadExpired if storing took over an hour.

    The caller emits the events by nexcorp.domain.posts.tell_of_uploads().
    """
    rows = []
    for item in kept:
        row = await sql.uploads.finish_upload(
            conn, upload_id=item.id, url=item.placed.url, thumbnail_url=item.placed.thumbnail_url
        )
        if row is None:
            raise UploadExpired()
        rows.append(row)
    return rows


async def set_uploads(
    conn: Any,
    owner_id: UUID,
    upload_ids: Sequence[UUID],
    *,
    post_id: UUID | None = None,
    task_id: UUID | None = None,
) -> None:
    """Make these the uploads of a post or task, in this order; its other uploads will be removed.

    Raises Invalid if one is not the owner's, is gone, or belongs to something else. A task keeps the uploads
    that it has, even if they belong to others.
    """
    ids = list(upload_ids)
    await sql.uploads.lock_uploads(conn, post_id=post_id, task_id=task_id, upload_ids=ids)
    await sql.uploads.take_off_uploads(
        conn, post_id=post_id, task_ids=[task_id] if task_id else [], but_ids=ids
    )
    if ids:
        rows = await sql.uploads.attach_uploads(
            conn, post_id=post_id, task_id=task_id, owner_id=owner_id, upload_ids=ids
        )
        check_taken(ids, {row["id"] for row in rows})


def check_taken(ids: Sequence[UUID], taken: Collection[UUID]) -> None:
    """Raise Invalid naming those of `ids` that are not in `taken`."""
    if len(taken) < len(ids):
        refused = ", ".join(str(upload_id) for upload_id in ids if upload_id not in taken)
        raise Invalid(errors={"uploadIds": [f"No free uploads of one's own: {refused}."]})

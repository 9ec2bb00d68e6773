"""Save contents: into a text as a minimal change beside concurrent edits, or in place of a binary."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from nexcorp.collab.announcing import Announce
from nexcorp.collab.document import MAX_TEXT_BYTES, Document, TooLarge
from nexcorp.collab.encoding import BadUpdate
from nexcorp.collab.errors import DocumentIncomplete
from nexcorp.collab.versions import cut_version, read_content
from nexcorp.db import sql
from nexcorp.errors import PayloadTooLarge
from nexcorp.features.files.contents import (
    MAX_BINARY_BYTES,
    Plain,
    changed_since,
    check_tags,
    load_document,
    make_tag,
    read_plain,
)
from nexcorp.features.files.errors import TextExpected, VersionNotFound
from nexcorp.features.files.paths import guess_type
from nexcorp.features.files.service import (
    check_room,
    get_file,
    lock_file,
    named_paths,
    require_writer,
    take_path,
    tell,
)
from nexcorp.security.caller import Caller


async def create_file(
    conn: Any, caller: Caller, project_id: UUID, path: str, content: bytes, media_type: str | None
) -> Any:
    """Create a file and return it. Raises ProjectNotFound, NotYourProject, PathTaken, TooManyFilesInProject,
    ProjectQuotaExceeded."""
    await require_writer(conn, caller, project_id)
    await take_path(conn, project_id, path)
    await check_room(conn, project_id)
    file_id = await insert_file(conn, None, project_id, path, content, media_type, caller.id)
    file = await get_file(conn, caller, file_id)
    await tell(conn, "file.created", caller.id, file, version=1)
    return file


async def insert_file(
    conn: Any,
    file_id: UUID | None,
    project_id: UUID,
    path: str,
    content: bytes,
    media_type: str | None,
    creator_id: UUID,
) -> UUID:
    """Insert a file with its first version; returns its id. Raises PathTaken, ProjectQuotaExceeded."""
    plain = read_plain(content)
    kind = "text" if plain is not None else "binary"
    with named_paths():
        new_id: UUID = await sql.files.create_file(
            conn,
            file_id=file_id,
            project_id=project_id,
            path=path,
            kind=kind,
            type=media_type or guess_type(path, kind),
            eol=plain.eol if plain is not None else "lf",
            creator_id=creator_id,
        )
    seq = 0
    if plain is not None and plain.text:
        update = await asyncio.to_thread(Document.start, plain.text)
        await append(conn, new_id, update, creator_id)
        content, seq = plain.text.encode(), 1
    await cut_version(conn, new_id, content, cause="created", author_ids=[creator_id], seq=seq)
    return new_id


async def append(conn: Any, file_id: UUID, update: bytes, author_id: UUID) -> int:
    """Store an update, announced to every node after the commit; returns the number of the update before."""
    (row,) = await sql.collab.append_updates(
        conn, file_ids=[file_id], updates=[update], author_ids=[author_id], roots=[None], node=0
    )
    before: int = row["before"]
    conn.after(Announce(file_id, before + 1, (update,)))
    return before


async def put_content(
    conn: Any, caller: Caller, file_id: UUID, content: bytes, tags: list[str] | None
) -> tuple[Any, str]:
    """Replace the content of a file; returns the file, and the ETag of its content.

    `tags`, from If-Match, must hold the tag of the current content; None: any. Raises
    FileNotFound, NotYourProject, PreconditionFailed, TextExpected, PayloadTooLarge, ProjectQuotaExceeded.
    """
    file = await lock_file(conn, caller, file_id)
    if file["kind"] == "text":
        plain = read_plain(content)
        if plain is not None:
            return await save_text(conn, caller, file, plain, tags, cause="put")
        if await sql.files.become_binary(conn, file_id=file_id) is None:
            if len(content) > MAX_TEXT_BYTES and b"\0" not in content:
                raise PayloadTooLarge(message="A text may have at most 2 MB.")
            raise TextExpected()
        await tell(conn, "file.updated", caller.id, file, version=file["version"] + 1, changed=["kind"])
    # A text that nobody has typed into has only versions, like a binary.
    check_tags(tags, 0, file)
    return await save_binary(conn, caller, file, content, cause="put")


async def restore_version(conn: Any, caller: Caller, file_id: UUID, n: int) -> tuple[Any, str]:
    """Make an earlier version the newest; returns and raises as put_content(), and VersionNotFound."""
    file = await lock_file(conn, caller, file_id)
    version = await sql.files.get_version(conn, file_id=file_id, n=n)
    if version is None:
        raise VersionNotFound()
    content = await read_content(conn, version["sha256"])
    if file["kind"] == "text":
        plain = Plain(content.decode(), file["eol"])
        return await save_text(conn, caller, file, plain, None, cause="restored", restored_from=n)
    return await save_binary(conn, caller, file, content, cause="restored", restored_from=n)


async def save_text(
    conn: Any,
    caller: Caller,
    file: Any,
    plain: Plain,
    tags: list[str] | None,
    *,
    cause: str,
    restored_from: int | None = None,
) -> tuple[Any, str]:
    """Change a locked file to a text. Edits that arrive while the change is computed stay."""
    file_id = file["id"]
    seq, document = await load_document(conn, file_id)
    check_tags(tags, seq, file)
    last = await sql.files.get_version(conn, file_id=file_id, n=file["contentVersion"])
    try:
        update = await asyncio.to_thread(document.replace_text, plain.text)
        if update is not None:
            before = await append(conn, file_id, update, caller.id)
            if before > seq:
                if tags is not None:
                    raise changed_since(file)
                rows = await sql.collab.read_updates(conn, file_id=file_id, after=seq, most=before - seq)
                await asyncio.to_thread(apply_all, document, [row["update"] for row in rows])
            seq = before + 1
    except TooLarge as error:
        raise PayloadTooLarge(message=f"{error} A copy is a new file.") from error
    except BadUpdate as error:
        raise DocumentIncomplete() from error
    after = last["seq"] if last is not None else 0
    typed = await sql.files.list_authors(conn, file_id=file_id, after=after, until=seq)
    authors = sorted({caller.id, *(row["author_id"] for row in typed)})
    number = await cut_version(
        conn,
        file_id,
        await asyncio.to_thread(document.read_content),
        cause=cause,
        author_ids=authors,
        seq=seq,
        restored_from=restored_from,
    )
    if plain.eol != file["eol"]:
        await sql.files.update_file(conn, file_id=file_id, path=None, type=None, eol=plain.eol)
        await tell(conn, "file.updated", caller.id, file, version=file["version"] + 1, changed=["eol"])
    if number is not None:
        await tell(conn, "file.saved", caller.id, file, version=number, seq=seq, authorIds=authors)
    saved = await get_file(conn, caller, file_id)
    return saved, make_tag(saved["contentVersion"], seq, saved["eol"])


def apply_all(document: Document, updates: list[bytes]) -> None:
    """Apply updates to a document; raises as Document.apply()."""
    for update in updates:
        document.apply(update)


async def save_binary(
    conn: Any, caller: Caller, file: Any, content: bytes, *, cause: str, restored_from: int | None = None
) -> tuple[Any, str]:
    """Replace the content of a locked binary file."""
    if len(content) > MAX_BINARY_BYTES:
        raise PayloadTooLarge(message=f"A file may have at most {MAX_BINARY_BYTES} bytes.")
    number = await cut_version(
        conn,
        file["id"],
        content,
        cause=cause,
        author_ids=[caller.id],
        seq=0,
        restored_from=restored_from,
    )
    if number is not None:
        await tell(conn, "file.saved", caller.id, file, version=number, seq=0, authorIds=[caller.id])
    saved = await get_file(conn, caller, file["id"])
    return saved, make_tag(saved["contentVersion"], 0, saved["eol"])

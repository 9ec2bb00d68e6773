"""Projects and files, written as they are kept, and who edits them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pycrdt import Doc, Text

from nexcorp.collab.versions import read_content
from nexcorp.db import Database


async def make_project(database: Database, *, file_bytes: int = 0) -> UUID:
    """A project whose files hold so much."""
    async with database.connection(wait=5) as conn:
        project_id: UUID = await conn.fetchval(
            "INSERT INTO projects (name, file_bytes) VALUES ('Plans', $1) RETURNING id", file_bytes
        )
    return project_id


async def make_file(database: Database, project_id: UUID | None = None, kind: str = "text") -> UUID:
    """An empty file, in a project of its own unless told otherwise; a text can be edited."""
    project_id = project_id or await make_project(database)
    async with database.connection(wait=5) as conn:
        file_id: UUID = await conn.fetchval(
            """INSERT INTO files (project_id, path, kind, type)
            VALUES ($1, 'file ' || gen_random_uuid(), $2, 'text/plain') RETURNING id""",
            project_id,
            kind,
        )
        await conn.execute("INSERT INTO file_docs (file_id) SELECT $1::uuid WHERE $2 = 'text'", file_id, kind)
    return file_id


async def fetch_row(database: Database, query: str, *values: Any) -> Any:
    """The first row of a query."""
    async with database.connection(wait=5) as conn:
        return await conn.fetchrow(query, *values)


async def append(
    database: Database,
    file_id: UUID,
    *updates: bytes,
    author_id: UUID | None = None,
    root: str | None = None,
) -> int:
    """Store updates as editors send them, the last one now; returns its number."""
    async with database.transaction(wait=5) as conn:
        for update in updates:
            seq: int = await conn.fetchval(
                """UPDATE file_docs
                SET last_seq = last_seq + 1, edited_at = now(), dirty_since = coalesce(dirty_since, now()),
                    root = coalesce(root, $2)
                WHERE file_id = $1 RETURNING last_seq""",
                file_id,
                root,
            )
            await conn.execute(
                "INSERT INTO file_updates (file_id, seq, author_id, node, update) VALUES ($1, $2, $3, 7, $4)",
                file_id,
                seq,
                author_id,
                update,
            )
    return seq


async def read_versions(database: Database, file_id: UUID) -> list[str]:
    """The texts of a file's versions."""
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT sha256 FROM file_versions WHERE file_id = $1 ORDER BY n", file_id)
        return [(await read_content(conn, row["sha256"])).decode() for row in rows]


class Editor:
    """Somebody who types, as a client does: `updates` is what it sends."""

    def __init__(self, *updates: bytes, root: str = "content") -> None:
        self.doc: Doc[Text] = Doc()
        self.text = self.doc.get(root, type=Text)
        for update in updates:
            self.doc.apply_update(update)
        self.updates: list[bytes] = []
        self._subscription = self.doc.observe(lambda event: self.updates.append(event.update))

    def insert(self, at: int, text: str) -> bytes:
        """Type something; `at` counts bytes."""
        self.text.insert(at, text)
        return self.updates[-1]

    def delete(self, at: int, size: int) -> bytes:
        """Delete so many bytes."""
        del self.text[at : at + size]
        return self.updates[-1]

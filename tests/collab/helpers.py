"""Projects and files written directly to the database, and an editor without a socket."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pycrdt import Doc, Text

from nexcorp.collab.versions import read_content
from nexcorp.db import Database


async def make_project(database: Database, *, file_bytes: int = 0) -> UUID:
    """Create a project whose counter of file bytes is `file_bytes`; return its id."""
    async with database.connection(wait=5) as conn:
        project_id: UUID = await conn.fetchval(
            "INSERT INTO projects (name, file_bytes) VALUES ('Plans', $1) RETURNING id", file_bytes
        )
    return project_id


async def make_file(database: Database, project_id: UUID | None = None, kind: str = "text") -> UUID:
    """Create an empty file, in a new project unless one is given; return its id."""
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
    """Return the first row of a query."""
    async with database.connection(wait=5) as conn:
        return await conn.fetchrow(query, *values)


async def append(
    database: Database,
    file_id: UUID,
    *updates: bytes,
    author_id: UUID | None = None,
    root: str | None = None,
) -> int:
    """Append updates to a file's log with the time of now; return the number of the last one."""
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
    """Return the texts of a file's versions, oldest first."""
    async with database.connection(wait=5) as conn:
        rows = await conn.fetch("SELECT sha256 FROM file_versions WHERE file_id = $1 ORDER BY n", file_id)
        return [(await read_content(conn, row["sha256"])).decode() for row in rows]


class Editor:
    """A document whose changes are collected in `updates`, as a client would send them."""

    def __init__(self, *updates: bytes, root: str = "content") -> None:
        self.doc: Doc[Text] = Doc()
        self.text = self.doc.get(root, type=Text)
        for update in updates:
            self.doc.apply_update(update)
        self.updates: list[bytes] = []
        self._subscription = self.doc.observe(lambda event: self.updates.append(event.update))

    def insert(self, at: int, text: str) -> bytes:
        """Insert text at a byte offset; return the update."""
        self.text.insert(at, text)
        return self.updates[-1]

    def delete(self, at: int, size: int) -> bytes:
        """Delete `size` bytes; return the update."""
        del self.text[at : at + size]
        return self.updates[-1]

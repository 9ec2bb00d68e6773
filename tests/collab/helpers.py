"""Projects and files, written as they are kept."""

from __future__ import annotations

from typing import Any
from uuid import UUID

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

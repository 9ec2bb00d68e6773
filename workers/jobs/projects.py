"""Removal of projects that have been in the trash for too long, in parts, with a transaction for each."""

from __future__ import annotations

from typing import Any

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.tasks import purge_tasks

TASKS_AT_ONCE = 500
# Each may have a long log and many versions.
FILES_AT_ONCE = 50


async def purge_projects(ctx: Any) -> None:
    """Delete expired projects; if a run is cut off, the next one continues."""
    while True:
        async with ctx["database"].transaction(wait=10.0) as conn:
            project_id = await sql.projects.claim_expired(conn)
            if project_id is None:
                return
            rows = await sql.tasks.trash_project(conn, project_id=project_id, most=TASKS_AT_ONCE)
            if rows:
                await purge_tasks(conn, [row["id"] for row in rows], actor_id=None, context={})
            elif not await sql.files.drop_files(conn, project_id=project_id, most=FILES_AT_ONCE):
                if await sql.files.count_files(conn, project_id=project_id):
                    return
                await sql.projects.drop_project(conn, project_id=project_id)
                await emit(conn, "project.purged", actor_id=None, entity=("project", project_id), payload={})

"""Statements of a sync of a linked repository."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery.outbox import emit
from nexcorp.integrations.git_log import Commit


class ClaimLost(Exception):
    """Another run has started, or the repository was changed or unlinked."""


async def add(conn: Any, repository_id: UUID, last: int, commits: list[Commit]) -> None:
    """Write commits, numbered from `last` + 1."""
    await sql.repositories.add_commits(
        conn,
        repository_id=repository_id,
        shas=[commit.sha for commit in commits],
        ns=list(range(last + 1, last + len(commits) + 1)),
        parents=[commit.parents for commit in commits],
        names=[commit.author_name for commit in commits],
        emails=[commit.author_email for commit in commits],
        authored=[commit.authored_at for commit in commits],
        committed=[commit.committed_at for commit in commits],
        subjects=[commit.subject for commit in commits],
        bodies=[commit.body for commit in commits],
    )


async def finish(
    conn: Any,
    row: Any,
    branch: str | None,
    head: str | None,
    heads: dict[str, str],
    last: int,
    *,
    changed: bool,
) -> None:
    """Record a finished sync; raises ClaimLost."""
    held = await sql.repositories.finish_sync(
        conn,
        repository_id=row["id"],
        claim=row["claim"],
        default_branch=branch,
        head=bytes.fromhex(head) if head is not None else None,
        refs=heads,
        last_n=last,
        changed=changed,
    )
    if not held:
        raise ClaimLost


async def tell(conn: Any, row: Any, event: str, payload: dict[str, Any]) -> None:
    """Emit an event of a repository, in the order of its project."""
    await emit(
        conn,
        event,
        actor_id=None,
        entity=("repository", row["id"]),
        payload={"projectId": row["project_id"], **payload},
        root=row["project_id"],
    )

"""The rules of linked repositories."""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.projects import MANAGE, WRITERS, require_role
from nexcorp.domain.repositories import bind_hook, bind_token
from nexcorp.features.repositories.errors import HookRefused, RepositoryNotFound, SyncedLately
from nexcorp.security.caller import Caller
from nexcorp.security.secrets import Secrets
from nexcorp.security.vault import seal, unseal

READERS = ("owner", "editor", "viewer")
MINUTE_SECONDS = 60


async def require_writer(conn: Any, caller: Caller, project_id: UUID) -> None:
    """Lock a project and check that the caller may write there; raise ProjectNotFound, NotYourProject."""
    await sql.projects.lock_project(conn, project_id=project_id)
    await require_role(conn, project_id, caller.id, caller.may(MANAGE), WRITERS)


async def get_repository(conn: Any, caller: Caller, project_id: UUID) -> Any:
    """Return the repository of a project that the caller is a member of.

    Raises ProjectNotFound, NotYourProject, RepositoryNotFound.
    """
    await require_role(conn, project_id, caller.id, caller.may(MANAGE), READERS)
    row = await sql.repositories.get_repository(conn, project_id=project_id)
    if row is None:
        raise RepositoryNotFound()
    return row


async def link_repository(
    conn: Any, secrets: Secrets, caller: Caller, project_id: UUID, body: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Link a project to a repository with a checked address; return it, and whether the project had no
    repository before.

    The same address changes the linked repository; another address makes a new one, with a `hookSecret`, and
    drops the token and commits of the old one. Raises ProjectNotFound, NotYourProject.
    """
    await require_writer(conn, caller, project_id)
    url, token = body["url"], body.get("token")
    before = await sql.repositories.get_repository(conn, project_id=project_id)
    if before is not None and before["url"] == url:
        await sql.repositories.update_repository(
            conn,
            project_id=project_id,
            branch=body["branch"],
            interval_s=body["interval"],
            set_token="token" in body,
            token=seal_token(secrets, before["id"], url, token),
        )
        await tell(conn, caller, "repository.updated", before["id"], project_id)
        return dict(await get_repository(conn, caller, project_id)), False
    if before is not None:
        await sql.repositories.unlink_repository(conn, project_id=project_id)
        await tell(conn, caller, "repository.unlinked", before["id"], project_id)
    made = await sql.repositories.link_repository(
        conn, project_id=project_id, url=url, branch=body["branch"], interval_s=body["interval"]
    )
    hook_secret = randomness.token_urlsafe(32)
    await sql.repositories.seal_repository(
        conn,
        project_id=project_id,
        token=seal_token(secrets, made, url, token),
        hook_secret=seal(secrets, hook_secret.encode(), bind_hook(made)),
    )
    await tell(conn, caller, "repository.linked", made, project_id)
    return {**await get_repository(conn, caller, project_id), "hookSecret": hook_secret}, before is None


def seal_token(secrets: Secrets, repository_id: UUID, url: str, token: str | None) -> bytes | None:
    """Encrypt a token for storage; None stays None."""
    return None if token is None else seal(secrets, token.encode(), bind_token(repository_id, url))


async def unlink_repository(conn: Any, caller: Caller, project_id: UUID) -> None:
    """Delete the repository of a project and its commits.

    Raises ProjectNotFound, NotYourProject, RepositoryNotFound.
    """
    await require_writer(conn, caller, project_id)
    gone = await sql.repositories.unlink_repository(conn, project_id=project_id)
    if gone is None:
        raise RepositoryNotFound()
    await tell(conn, caller, "repository.unlinked", gone, project_id)


async def interrupt_sync(conn: Any, caller: Caller, project_id: UUID) -> None:
    """Keep a running sync from writing anything; call this before the repository is unlinked.

    It needs a transaction of its own: the sync sees the change once it is committed. Raises ProjectNotFound,
    NotYourProject.
    """
    await require_writer(conn, caller, project_id)
    await sql.repositories.interrupt_sync(conn, project_id=project_id)


async def ask_sync(conn: Any, caller: Caller, project_id: UUID) -> Any:
    """Schedule a sync soon; return the repository. Raises as unlink_repository() does, and SyncedLately."""
    await require_writer(conn, caller, project_id)
    await get_repository(conn, caller, project_id)
    if await sql.repositories.ask_sync(conn, project_id=project_id) is None:
        raise SyncedLately(retry_after=MINUTE_SECONDS)
    return await get_repository(conn, caller, project_id)


async def hear_hook(
    conn: Any, secrets: Secrets, repository_id: UUID, headers: Mapping[str, str], body: bytes
) -> None:
    """Schedule a sync of the repository, as its host asks; raise HookRefused."""
    sealed = await sql.repositories.get_hook(conn, repository_id=repository_id)
    if sealed is None or not is_signed(sealed, secrets, repository_id, headers, body):
        raise HookRefused()
    await sql.repositories.hear_hook(conn, repository_id=repository_id)


def is_signed(
    sealed: bytes, secrets: Secrets, repository_id: UUID, headers: Mapping[str, str], body: bytes
) -> bool:
    """Return whether GitHub or Gitea signed the body, or GitLab sent the secret."""
    try:
        secret, _ = unseal(secrets, sealed, bind_hook(repository_id))
    except ValueError:
        return False
    mac = hmac.new(secret, body, hashlib.sha256).hexdigest()
    ways = (
        ("X-Hub-Signature-256", f"sha256={mac}".encode()),
        ("X-Gitea-Signature", mac.encode()),
        ("X-Gitlab-Token", secret),
    )
    return any(
        hmac.compare_digest(headers[name].encode("utf-8", "surrogateescape"), good)
        for name, good in ways
        if name in headers
    )


async def tell(conn: Any, caller: Caller, event: str, repository_id: UUID, project_id: UUID) -> None:
    """Emit an event of the caller about a repository."""
    await emit(
        conn,
        event,
        actor_id=caller.id,
        entity=("repository", repository_id),
        payload={"projectId": project_id},
        root=project_id,
    )

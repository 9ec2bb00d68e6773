"""Linked repositories, for handlers and workers: contexts of sealed secrets, and reasons of failed syncs."""

from __future__ import annotations

from uuid import UUID

from yarl import URL

from nexcorp.integrations.outbound import name_host

REASONS = {
    "url_refused": "The address is no longer taken.",
    "https_only": "The address does not begin with https://.",
    "address_refused": "The host leads to an address that is not public.",
    "host_unknown": "Nobody knows the host.",
    "auth_failed": "The repository wants a token, or another one than it has.",
    "not_found": "There is no repository at this address, or it wants a token.",
    "redirected": "The host sends to another address, which is not followed: GitLab's end in .git.",
    "unreachable": "The host does not answer.",
    "tls_failed": "The host's certificate is not good.",
    "too_slow": "The host sends too slowly.",
    "timeout": "It took too long.",
    "too_large": "The repository is too large.",
    "branch_gone": "The branch is not there.",
    "git_failed": "It could not be fetched.",
}


def bind_token(repository_id: UUID, url: str) -> bytes:
    """Return the context a token is sealed for: its repository and the host that may see it."""
    parsed = URL(url)
    return f"repository-token\0{repository_id}\0{name_host(parsed)}:{parsed.port}".encode()


def bind_hook(repository_id: UUID) -> bytes:
    """Return the context a hook's secret is sealed for: its repository."""
    return f"repository-hook\0{repository_id}".encode()

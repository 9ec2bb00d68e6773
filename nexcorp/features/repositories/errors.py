"""Errors of linked repositories."""

from __future__ import annotations

from nexcorp.domain import targets
from nexcorp.errors import Forbidden, Invalid, NotFound, TooManyRequests


class RepositoryNotFound(NotFound):
    """The project is linked to no repository."""

    code, message = "repository_not_found", "The project is linked to no repository."
    meaning = "The project is not linked to a repository."


class CommitNotFound(NotFound):
    """The repository has no commit with this name."""

    code, message = "commit_not_found", "There is no such commit."
    meaning = "The repository has no commit with this hash."


class HostUnknown(Invalid):
    """The host's name cannot be resolved."""

    code, message = "host_unknown", "There is no such host: check the address."
    meaning = "The URL's host name has no address."


class SyncedLately(TooManyRequests):
    """Another sync was requested within the last minute."""

    code, message = "synced_lately", "A sync was asked for within the last minute."
    meaning = "A sync was requested within the last minute: it will run, or has run."


class HookRefused(Forbidden):
    """The repository does not exist, or the request is not signed with its hook's secret."""

    code, message = "hook_refused", "No repository has a hook with this signature."
    meaning = "No repository has this id, or the signature was not made with its hook secret."


REFUSALS: dict[str, type[Invalid]] = {**targets.REFUSALS, HostUnknown.code: HostUnknown}

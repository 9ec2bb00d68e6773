"""Effects of a commit: requested with `conn.after(effect)`, and performed by the process, in order.

A service requests them beside the statement that makes them due, whichever front door called it. Each may be
lost with the process: a poll makes up for it, but a lost Forget lets cached answers age.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Wake:
    """Wake the workers: the outbox has something to deliver. Use WAKE."""


@dataclass(frozen=True, slots=True)
class Job:
    """Run the job of this name, which drains a queue; a feature's manifest declares it."""

    function: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Forget every answer kept in a group of the cache, or in one of `also`; the next read shows the change.
    `of_lists`: the groups hold only answers that are kept with CACHE=on."""

    group: str
    also: tuple[str, ...] = ()
    of_lists: bool = False


@dataclass(frozen=True, slots=True)
class Revoke:
    """Tell every node what is no longer valid.

    `sessions`: ids of ended sessions and API keys. `roles`: (user id, role version); tokens of older versions
    are no longer valid. `rights`: the permissions of the roles have changed. `projects`: ids of projects in
    which users' rights have changed. `hidden`: something else is visible to fewer people from now on, so no
    node may read an older state of it.
    """

    sessions: tuple[UUID, ...] = ()
    roles: tuple[tuple[UUID, int], ...] = ()
    rights: bool = False
    projects: tuple[UUID, ...] = ()
    hidden: bool = False


Effect = Wake | Job | Forget | Revoke
WAKE = Wake()

"""What follows a commit: asked for with `conn.after(effect)`, performed by the process, in order.

A service asks for them beside the statement that makes them due, whatever the front door that called it. Each
may be lost with the process: a poll makes up for it, except for Forget, which waits for what is kept to age.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Wake:
    """The outbox has something to deliver. Use WAKE."""


@dataclass(frozen=True, slots=True)
class Job:
    """Run the job of this name, which drains a queue; a feature's manifest has it."""

    function: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Forget every answer that is kept in a group of the cache, or in one of `also`; the next read shows the
    change. `of_lists`: the groups are of what is kept with CACHE=on alone."""

    group: str
    also: tuple[str, ...] = ()
    of_lists: bool = False


@dataclass(frozen=True, slots=True)
class Revoke:
    """Tell every node what is worthless from now on.

    `sessions`: ids of sessions and API keys that ended. `roles`: (user id, role version), where older
    versions are worthless. `rights`: the permissions of the roles have changed. `projects`: ids of those in
    which people may do less than before, or other things. `hidden`: something else is shown to fewer people
    from now on, so that no node may read of it what was.
    """

    sessions: tuple[UUID, ...] = ()
    roles: tuple[tuple[UUID, int], ...] = ()
    rights: bool = False
    projects: tuple[UUID, ...] = ()
    hidden: bool = False


Effect = Wake | Job | Forget | Revoke
WAKE = Wake()

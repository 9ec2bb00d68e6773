"""Sessions, keys and roles that ended before their access tokens expire, in the memory of every node.

Fed by a Redis push for speed and by a poll of PostgreSQL for certainty, so that no request asks
either of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from uuid import UUID

import msgspec

from nexcorp.security.tokens import ACCESS_SECONDS, Principal

# A token outlives its session by at most its own lifetime; another minute covers differing clocks.
REMEMBER_SECONDS = ACCESS_SECONDS + 60


class Revoked(msgspec.Struct, omit_defaults=True):
    """A message from one node to the others.

    `sessions`: ids of sessions and API keys that ended. `roles`: (user id, role version); tokens with older
    versions are invalid. `rights`: the permissions of the roles have changed. `projects`: projects whose
    members' roles, or whose visibility, have changed. `hidden`: something else is shown to fewer people.
    """

    sessions: list[UUID] = []
    roles: list[tuple[UUID, int]] = []
    rights: bool = False
    projects: list[UUID] = []
    hidden: bool = False

    @property
    def shows_less(self) -> bool:
        """Whether data read earlier may show more than people may see now."""
        return bool(self.roles or self.rights or self.projects or self.hidden)


class Revocations:
    """Sessions and API keys that ended, and people whose role or status changed, in the last 16 minutes.

    `on_session` and `on_role` are called once for each new one, `on_projects` for every message: callers that
    keep something open there ask PostgreSQL again. `on_rights` is called when permissions of roles have
    changed, `on_less` whenever less may be shown. `publish` tells the other nodes, without waiting.
    """

    def __init__(self) -> None:
        self._sessions: dict[UUID, float] = {}
        self._roles: dict[UUID, tuple[int, float]] = {}
        # False until they were read once: before that, no token can be trusted.
        self.loaded = False
        self.on_session: Callable[[UUID], None] = lambda session_id: None
        self.on_role: Callable[[UUID, int], None] = lambda user_id, version: None
        self.on_rights: Callable[[], None] = lambda: None
        self.on_projects: Callable[[Iterable[UUID]], None] = lambda project_ids: None
        self.on_less: Callable[[], None] = lambda: None
        self.publish: Callable[[Revoked], None] = lambda revoked: None

    def ended(self, who: Principal) -> bool:
        """Return whether the session or key has ended, so that the person must sign in again."""
        return who.session_id in self._sessions

    def outdated(self, who: Principal) -> bool:
        """Return whether the role or status has changed since the token was made: refresh it."""
        known = self._roles.get(who.user_id)
        return known is not None and who.role_version < known[0]

    def add_sessions(self, session_ids: Iterable[UUID]) -> None:
        """Remember sessions and API keys as ended."""
        until = time.monotonic() + REMEMBER_SECONDS
        for session_id in session_ids:
            if session_id not in self._sessions:
                self._sessions[session_id] = until
                self.on_session(session_id)

    def add_roles(self, versions: Iterable[tuple[UUID, int]]) -> None:
        """Remember the oldest valid role version of each person."""
        until = time.monotonic() + REMEMBER_SECONDS
        for user_id, version in versions:
            known = self._roles.get(user_id)
            if known is None or known[0] < version:
                self._roles[user_id] = (version, until)
                self.on_role(user_id, version)

    def receive(self, revoked: Revoked) -> None:
        """Apply a message of another node."""
        self.add_sessions(revoked.sessions)
        self.add_roles(revoked.roles)
        if revoked.rights:
            self.on_rights()
        if revoked.projects:
            self.on_projects(revoked.projects)
        if revoked.shows_less:
            self.on_less()

    def announce(
        self,
        sessions: Iterable[UUID] = (),
        *,
        roles: Iterable[tuple[UUID, int]] = (),
        rights: bool = False,
        projects: Iterable[UUID] = (),
        hidden: bool = False,
    ) -> None:
        """Apply this node's own changes and tell the other nodes. Call it after the commit."""
        revoked = Revoked(list(sessions), list(roles), rights, list(projects), hidden)
        if revoked != Revoked():
            self.receive(revoked)
            self.publish(revoked)

    def forget_old(self) -> None:
        """Drop entries whose tokens have all expired."""
        now = time.monotonic()
        self._sessions = {key: until for key, until in self._sessions.items() if until > now}
        self._roles = {key: known for key, known in self._roles.items() if known[1] > now}

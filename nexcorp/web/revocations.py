"""Sessions that ended while their access tokens are still good, known to every node in memory.

Fed by a Redis push for speed and by a poll of PostgreSQL for certainty, so that no request asks
either of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from uuid import UUID

from nexcorp.web.tokens import ACCESS_SECONDS

# A token outlives its session by at most its own life; a minute more covers clocks.
REMEMBER_SECONDS = ACCESS_SECONDS + 60


class Revocations:
    """The revoked session ids of the last 16 minutes.

    `on_revoked` is told each new one once; `publish` tells the other nodes, without waiting.
    """

    def __init__(self) -> None:
        self._until: dict[UUID, float] = {}
        # False until they were read once: before that, no token can be believed.
        self.loaded = False
        self.on_revoked: Callable[[UUID], None] = lambda session_id: None
        self.publish: Callable[[list[UUID]], None] = lambda session_ids: None

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._until

    def add(self, session_ids: Iterable[UUID]) -> None:
        """Remember sessions as revoked."""
        until = time.monotonic() + REMEMBER_SECONDS
        for session_id in session_ids:
            if session_id not in self._until:
                self._until[session_id] = until
                self.on_revoked(session_id)

    def announce(self, session_ids: list[UUID]) -> None:
        """Remember sessions this node has just revoked, and tell the others. Call it after the commit."""
        if session_ids:
            self.add(session_ids)
            self.publish(session_ids)

    def forget_old(self) -> None:
        """Drop those whose tokens have all run out."""
        now = time.monotonic()
        self._until = {key: until for key, until in self._until.items() if until > now}

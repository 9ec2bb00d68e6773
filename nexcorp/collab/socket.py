"""An editor's socket: one of realtime's that speaks binary, and lives as long as its session."""

from __future__ import annotations

import math
import time
from typing import Any

from nexcorp.collab.metrics import REFUSED
from nexcorp.collab.protocol import CODES
from nexcorp.realtime.inbound import CountedSocket
from nexcorp.realtime.socket import Socket
from nexcorp.security.tokens import Principal


class EditorSocket(Socket):
    """See Socket. `last_told`: when it last was sent a message, by the monotonic clock."""

    __slots__ = ("last_told",)

    def __init__(self, ws: CountedSocket, transport: Any, principal: Principal) -> None:
        super().__init__(ws, transport, principal)
        self.last_told = time.monotonic()

    def tell(self, data: bytes) -> None:
        """Write a frame with a message."""
        self.last_told = time.monotonic()
        self.write(data)

    def tell_large(self, data: bytes) -> None:
        """Write a frame of any size."""
        self.last_told = time.monotonic()
        self.write_large(data)

    def send(self, event: str, data: Any, **more: Any) -> None:
        """Nothing: an event of /ws, which here has no message."""

    def explain(self, code: int, reason: str) -> None:
        """Nothing: the close code says it."""

    def close(self, code: int, reason: str) -> None:
        """See Socket.close()."""
        if not self.closing:
            REFUSED.labels(CODES.get(code, code)).inc()
        super().close(CODES.get(code, code), reason)

    def seconds_left(self) -> float:
        """No end: y-websocket cannot renew a token, and the session is looked at every two seconds."""
        return math.inf

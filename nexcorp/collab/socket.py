"""An editor's socket: a Socket that sends binary messages, and lives as long as its session."""

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
    """See Socket. `last_told`: the time of the last message to the client, by the monotonic clock."""

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
        """Do nothing: events of /ws have no message here."""

    def explain(self, code: int, reason: str) -> None:
        """Do nothing: the close code tells the reason."""

    def close(self, code: int, reason: str) -> None:
        """See Socket.close()."""
        if not self.closing:
            REFUSED.labels(CODES.get(code, code)).inc()
        super().close(CODES.get(code, code), reason)

    def seconds_left(self) -> float:
        """Return infinity: y-websocket cannot renew tokens, and Guard checks sessions every two seconds."""
        return math.inf

"""The only error of this package."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer that is not a success, a refused command, or the end of a socket.

    `status`: of HTTP, 0 without an answer. `code`: stable, for programs; "unreachable" if the service was not
    reached. `errors`: messages by field. `request_id`: finds the request in the service's logs. `wait`:
    seconds after which it may be tried again. `current`: the current row, with `stale_version`. `close_code`:
    of a socket that has ended.
    """

    def __init__(
        self,
        status: int,
        body: Mapping[str, Any] | None = None,
        *,
        wait: float = 0.0,
        close_code: int | None = None,
    ) -> None:
        said = body or {}
        self.status = status
        self.code: str = said.get("code", "unreachable" if not status else f"http_{status}")
        self.message: str = said.get("message", "The service cannot be reached.")
        self.errors: dict[str, list[str]] = said.get("errors") or {}
        self.request_id: str | None = said.get("requestId")
        self.current: dict[str, Any] | None = said.get("current")
        self.wait, self.close_code = wait, close_code
        super().__init__(f"{self.code}: {self.message}")

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status in (0, 429, 502, 504) or (self.status == 503 and self.code != "not_configured")


def make_error(status: int, body: Any, headers: Mapping[str, str]) -> ApiError:
    """Return the error of an answer; from a proxy's page only its status is used."""
    said = body if isinstance(body, dict) else {"message": f"The service answers {status}."}
    wait = headers.get("Retry-After", "")
    return ApiError(status, said, wait=float(wait) if wait.isascii() and wait.isdigit() else 0.0)


def pause(attempt: int) -> float:
    """Return the seconds before the next try: longer each time, and random, to spread clients."""
    longest = min(30.0, 0.25 * float(2**attempt))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

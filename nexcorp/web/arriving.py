"""Limit the requests that wait for their body, so that others find places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from nexcorp.errors import Overloaded, TooManyRequests

# One owner may use at most a third of the places that are left.
SHARE_OF_ONE = 3


class Arriving:
    """The requests of one process that wait for their body, at most `most` at once, by owner."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._waiting: Counter[Hashable] = Counter()

    @contextmanager
    def wait(self, owner: Hashable) -> Iterator[None]:
        """Count a request within the block; `owner` is an account, or the network of an anonymous client.

        Raises TooManyRequests if the owner has used up their share, Overloaded if no place is left.
        """
        if self._left < 1:
            raise Overloaded()
        if self._waiting[owner] >= max(1, self._left // SHARE_OF_ONE):
            raise TooManyRequests(retry_after=1)
        self._left -= 1
        self._waiting[owner] += 1
        try:
            yield
        finally:
            self._left += 1
            self._waiting[owner] -= 1
            if not self._waiting[owner]:
                del self._waiting[owner]

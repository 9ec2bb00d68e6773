"""Clients of Redis, and what they raise when it is not there."""

from __future__ import annotations

import functools
from typing import Any

import redis.asyncio as redis
from prometheus_client import Counter
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

# RuntimeError: what uvloop raises, and redis-py passes on, for a write to a connection that was cut.
CONNECTION_LOST = (RedisError, OSError, RuntimeError)

REFUSED = Counter(
    "nexcorp_redis_refused_total", "Answers of Redis that it takes no writes, by why.", ["reason"]
)
# What it calls them beside those that redis-py has a class for.
REASONS = {"MISCONF": "misconf", "NOREPLICAS": "noreplicas", "UNBLOCKED": "readonly"}


def find_refusal(error: ResponseError) -> str | None:
    """Why Redis takes no writes now: readonly, oom, misconf or noreplicas; None for any other error."""
    if isinstance(error, ReadOnlyError):
        return "readonly"
    if isinstance(error, OutOfMemoryError):
        return "oom"
    return REASONS.get(str(error).partition(" ")[0])


class Demoted(RedisGone):
    """The server has become a replica: nothing was done, and the connection is closed."""


class OnceMore(Retry):
    """Tries again what a replica did not do; all else is raised at once."""

    async def call_with_retry(self, *values: Any, **more: Any) -> Any:
        """See redis-py."""
        try:
            return await super().call_with_retry(*values, **more)
        except Demoted:
            return await super().call_with_retry(*values, **more)


class Failover:
    """Mixed into redis-py's connections: what has become a replica is left by all connections at once.

    A failover behind one address keeps the connections there are, on a server that takes no writes any more;
    only a new one leads to the other.
    """

    # How often this process has left one.
    left = 0
    made_at = 0

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Remember how far this process was when it connected."""
        self.made_at = Failover.left
        await super().on_connect_check_health(check_health)  # type: ignore[misc]

    async def send_packed_command(self, *values: Any, **more: Any) -> None:
        """Connect anew first if another connection has been left meanwhile."""
        if self.made_at != Failover.left:
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
        await super().send_packed_command(*values, **more)  # type: ignore[misc]

    async def read_response(self, *values: Any, **more: Any) -> Any:
        """The answer; that of a replica counts as a lost connection, which is tried again as such."""
        try:
            return await super().read_response(*values, **more)  # type: ignore[misc]
        except ResponseError as error:
            reason = find_refusal(error)
            if reason is not None:
                REFUSED.labels(reason).inc()
            if reason != "readonly":
                raise
            Failover.left += self.made_at == Failover.left
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise Demoted("Redis takes no writes: it has become a replica") from None


@functools.cache
def with_failover(kind: Any) -> type:
    """A class of redis-py's connections (plain, TLS, a socket's path) with Failover."""
    return type(kind.__name__, (Failover, kind), {})


def connect(url: str, *, seconds: float = 2.0, blocking: bool = False, check_seconds: int = 0) -> Any:
    """A client, which connects when it is first used; whoever made it closes it by `aclose()`.

    `seconds`: how long it waits for a connection and for each answer. `blocking`: for SAQ and subscriptions,
    whose reads wait longer than any sensible time-out. `check_seconds`: a connection that was silent for so
    long is asked whether it lives before it is used; 0 never asks.
    """
    client = redis.Redis.from_url(
        url,
        socket_timeout=None if blocking else seconds,
        socket_connect_timeout=seconds,
        socket_keepalive=True,
        health_check_interval=check_seconds,
        retry=OnceMore(NoBackoff(), 0),
    )
    pool: Any = client.connection_pool
    pool.connection_class = with_failover(pool.connection_class)
    return client

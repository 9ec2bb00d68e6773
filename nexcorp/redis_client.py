"""Clients of Redis, and the errors they raise when it is away."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import redis.asyncio as redis
from prometheus_client import Counter
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from nexcorp.redis_places import Place, find_place, lane_of, list_tags
from nexcorp.redis_url import parse_url

# uvloop raises RuntimeError for a write to a connection that was cut, and redis-py passes it on.
CONNECTION_LOST = (RedisError, OSError, RuntimeError)

REFUSED = Counter(
    "nexcorp_redis_refused_total", "Answers of Redis that it takes no writes, by why.", ["reason"]
)
# Errors that redis-py has no class for, by their first word.
REASONS = {"MISCONF": "misconf", "NOREPLICAS": "noreplicas", "UNBLOCKED": "readonly", "MOVED": "moved"}
# Reasons which mean that another server takes the writes now.
ELSEWHERE = ("readonly", "moved")


def find_refusal(error: ResponseError) -> str | None:
    """Return why Redis takes no writes: readonly, moved, oom, misconf, noreplicas; None for another error."""
    if isinstance(error, ReadOnlyError):
        return "readonly"
    if isinstance(error, OutOfMemoryError):
        return "oom"
    return REASONS.get(str(error).partition(" ")[0])


class Demoted(RedisGone):
    """The server has become a replica: it did not run the command, and the connection is closed."""


class OnceMore(Retry):
    """Retries a command once if a replica refused it; raises every other error at once."""

    async def call_with_retry(self, *values: Any, **more: Any) -> Any:
        """See redis-py."""
        try:
            return await super().call_with_retry(*values, **more)
        except Demoted:
            return await super().call_with_retry(*values, **more)


class Failover:
    """Mixed into redis-py's connections: once one finds that its server became a replica, all reconnect.

    After a failover behind one address, open connections still lead to the old server, which takes no writes
    any more; only a new connection leads to the new master.
    """

    # How often this process has found that its connections lead to a replica.
    left = 0
    made_at = 0

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Remember `left` as it is at the time of connecting."""
        self.made_at = Failover.left
        await super().on_connect_check_health(check_health)  # type: ignore[misc]

    async def send_packed_command(self, *values: Any, **more: Any) -> None:
        """Reconnect first if `left` has grown since this connection was made."""
        if self.made_at != Failover.left:
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
        await super().send_packed_command(*values, **more)  # type: ignore[misc]

    async def read_response(self, *values: Any, **more: Any) -> Any:
        """Return the answer; if a replica refused a write, close the connection and raise Demoted."""
        try:
            return await super().read_response(*values, **more)  # type: ignore[misc]
        except ResponseError as error:
            reason = find_refusal(error)
            if reason is not None:
                REFUSED.labels(reason).inc()
            if reason not in ELSEWHERE:
                raise
            Failover.left += self.made_at == Failover.left
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise Demoted("Redis takes no writes: it has become a replica") from None


def leave_all() -> None:
    """Have all connections of this process reconnect before their next command."""
    Failover.left += 1


class Finding(Failover):
    """Failover for connections that ask `place` for the master of their `lane` each time they connect."""

    def __init__(self, *, place: Place, lane: int, **more: Any) -> None:
        self.place, self.lane = place, lane
        # One task reads from a subscription, another writes: both may find the connection lost and reconnect.
        self.connecting = asyncio.Lock()
        super().__init__(**more)

    async def connect_check_health(self, *values: Any, **more: Any) -> None:
        """Find the master, then connect to it."""
        if self.is_connected:  # type: ignore[attr-defined]
            return
        async with self.connecting:
            self.host, self.port = await self.place.find(self.lane)
            await super().connect_check_health(*values, **more)  # type: ignore[misc]


@functools.cache
def with_failover(kind: Any, mixin: type = Failover) -> type:
    """Return a class of redis-py's connections (plain, TLS, Unix socket) with Failover mixed in."""
    return type(kind.__name__, (mixin, kind), {})


class Client(redis.Redis):
    """A client of one server. `tag` is the prefix of its keys and channels: on a cluster it places them in
    the client's lane, with one Redis it is empty."""

    tag = ""


def connect(
    url: str, *, seconds: float = 2.0, blocking: bool = False, check_seconds: int = 0, lane: int = 0
) -> Any:
    """Return a client, which connects when it is first used; the caller closes it by `aclose()`.

    `seconds`: limit for connecting and for each answer. `blocking`: no limit for answers, for SAQ and for
    subscriptions, whose reads may wait for a long time. `check_seconds`: PING a connection before use if it
    was silent for this long; 0 for never. `lane`: the client's lane of a cluster.
    """
    parsed = parse_url(url)
    client: Any = Client.from_url(
        parsed.plain,
        socket_timeout=None if blocking else seconds,
        socket_connect_timeout=seconds,
        socket_keepalive=True,
        health_check_interval=check_seconds,
        retry=OnceMore(NoBackoff(), 0),
    )
    pool: Any = client.connection_pool
    place = find_place(parsed, leave_all)
    if place is None:
        pool.connection_class = with_failover(pool.connection_class)
    else:
        pool.connection_class = with_failover(pool.connection_class, Finding)
        pool.connection_kwargs.update(place=place, lane=lane)
    if parsed.clustered:
        client.tag = f"{{{list_tags()[lane]}}}:"
    return client


class Lanes:
    """The clients of a service's keys and channels: one, or on a cluster one per lane; `options` as for
    connect().
    """

    def __init__(self, url: str, **options: Any) -> None:
        parsed = parse_url(url)
        self.clustered = parsed.clustered
        self._place = find_place(parsed, leave_all)
        lanes = range(len(list_tags()) if self.clustered else 1)
        self.clients = [connect(url, lane=lane, **options) for lane in lanes]

    @property
    def home(self) -> Any:
        """The client for keys that must lie in one place: jobs, sign-ins that are under way."""
        return self.clients[0]

    def find(self, name: str) -> Any:
        """Return the client of the lane of a room, a channel or a key."""
        return self.clients[lane_of(name) if self.clustered else 0]

    async def check(self, seconds: float) -> None:
        """On a cluster, look for new masters unless that was done in the last `seconds`; if there are any,
        all connections reconnect. Connections that only read or listen notice no failover by themselves.
        """
        if self._place is not None:
            await self._place.check(seconds)

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self.clients:
            await client.aclose()

"""Clients of Redis, and what they raise when it is not there."""

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

# RuntimeError: what uvloop raises, and redis-py passes on, for a write to a connection that was cut.
CONNECTION_LOST = (RedisError, OSError, RuntimeError)

REFUSED = Counter(
    "nexcorp_redis_refused_total", "Answers of Redis that it takes no writes, by why.", ["reason"]
)
# What it calls them beside those that redis-py has a class for.
REASONS = {"MISCONF": "misconf", "NOREPLICAS": "noreplicas", "UNBLOCKED": "readonly", "MOVED": "moved"}
# The server is not, or no longer, the one that takes them.
ELSEWHERE = ("readonly", "moved")


def find_refusal(error: ResponseError) -> str | None:
    """Why Redis takes no writes now: readonly, moved, oom, misconf, noreplicas; None for another error."""
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
            if reason not in ELSEWHERE:
                raise
            Failover.left += self.made_at == Failover.left
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise Demoted("Redis takes no writes: it has become a replica") from None


def leave_all() -> None:
    """Have all connections of this process made anew."""
    Failover.left += 1


class Finding(Failover):
    """The same for connections that ask `place` for the master of their `lane`, each time they connect."""

    def __init__(self, *, place: Place, lane: int, **more: Any) -> None:
        self.place, self.lane = place, lane
        # Of a subscription one task reads and another one writes: both may find it lost, and make it anew.
        self.connecting = asyncio.Lock()
        super().__init__(**more)

    async def connect_check_health(self, *values: Any, **more: Any) -> None:
        """Ask, then connect."""
        if self.is_connected:  # type: ignore[attr-defined]
            return
        async with self.connecting:
            self.host, self.port = await self.place.find(self.lane)
            await super().connect_check_health(*values, **more)  # type: ignore[misc]


@functools.cache
def with_failover(kind: Any, mixin: type = Failover) -> type:
    """A class of redis-py's connections (plain, TLS, a socket's path) with Failover."""
    return type(kind.__name__, (mixin, kind), {})


class Client(redis.Redis):
    """A client of one server. `tag` stands before the names of its keys and channels: on a cluster it puts
    them into the client's lane, with one Redis it is empty."""

    tag = ""


def connect(
    url: str, *, seconds: float = 2.0, blocking: bool = False, check_seconds: int = 0, lane: int = 0
) -> Any:
    """A client, which connects when it is first used; whoever made it closes it by `aclose()`.

    `seconds`: how long it waits for a connection and for each answer. `blocking`: for SAQ and subscriptions,
    whose reads wait longer than any sensible time-out. `check_seconds`: a connection that was silent for so
    long is asked whether it lives before it is used; 0 never asks. `lane`: of a cluster.
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
    """The clients of a service's keys and channels: one, on a cluster one for each lane; options as connect()
    takes them."""

    def __init__(self, url: str, **options: Any) -> None:
        parsed = parse_url(url)
        self.clustered = parsed.clustered
        self._place = find_place(parsed, leave_all)
        lanes = range(len(list_tags()) if self.clustered else 1)
        self.clients = [connect(url, lane=lane, **options) for lane in lanes]

    @property
    def home(self) -> Any:
        """The client of what is in one place: jobs, sign-ins that are under way."""
        return self.clients[0]

    def find(self, name: str) -> Any:
        """The client of the lane in which a room, a channel or a key lies."""
        return self.clients[lane_of(name) if self.clustered else 0]

    async def check(self, seconds: float) -> None:
        """On a cluster, look whether it has other masters now, unless one did in the last `seconds`: all
        connections are then made anew. Those that only ask or listen are told of it by nobody."""
        if self._place is not None:
            await self._place.check(seconds)

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self.clients:
            await client.aclose()

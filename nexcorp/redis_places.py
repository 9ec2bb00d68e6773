"""Find the master to connect to: ask a cluster's nodes or Sentinels whenever a connection is made.

A service's keys and channels lie in 16 lanes of a cluster. Each lane is one slot, in the middle of one
sixteenth of all slots, so that up to 16 masters have equal shares; a client belongs to one lane, and its
connections lead to that lane's master. So keys that are used together lie on one server, and the client need
not know about clusters.
"""

from __future__ import annotations

import functools
import time
from binascii import crc32, crc_hqx
from collections.abc import Callable
from typing import Any, Protocol

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone

from nexcorp.redis_url import Address, RedisUrl

log = structlog.get_logger("nexcorp.redis")

SLOTS, LANES = 16384, 16
# A map of the cluster is used for new connections for this long; a failover takes longer.
MAP_SECONDS = 1.0
ASK_SECONDS = 1.0


def slot_of(tag: str) -> int:
    """Return the slot of all keys with this hash tag."""
    return crc_hqx(tag.encode(), 0) % SLOTS


@functools.cache
def list_tags() -> tuple[str, ...]:
    """Return a hash tag per lane: the smallest number whose slot is near the middle of the lane's part."""
    part, found, number = SLOTS // LANES, dict[int, str](), 0
    while len(found) < LANES:
        lane, place = divmod(slot_of(str(number)), part)
        if abs(place - part // 2) < part // 8:
            found.setdefault(lane, str(number))
        number += 1
    return tuple(found[lane] for lane in range(LANES))


def lane_of(name: str) -> int:
    """Return the lane of a cluster in which a room, a channel or a key lies."""
    return crc32(name.encode()) % LANES


class Place(Protocol):
    """Tells connections which server to connect to."""

    async def find(self, lane: int) -> Address:
        """Return the address of a lane's master. Raises ConnectionError of redis-py if it is unknown."""

    async def check(self, seconds: float) -> None:
        """Look for new masters, unless that was done in the last `seconds`. Raises nothing."""


class Sentinels:
    """Asks Sentinels for the master. check() has nothing to do: a demoted master refuses writes itself."""

    def __init__(self, url: RedisUrl) -> None:
        self.url = url

    async def find(self, lane: int) -> Address:
        """See Place."""
        options = {
            **options_of(self.url.plain),
            **dict(self.url.sentinel),
            "socket_timeout": ASK_SECONDS,
            "socket_connect_timeout": ASK_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        sentinels: Any = Sentinel(self.url.hosts, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        try:
            found: Address = await sentinels.discover_master(self.url.service)
            return found
        finally:
            for one in sentinels.sentinels:
                await one.aclose()

    async def check(self, seconds: float) -> None:
        """See Place."""


class Cluster:
    """The masters of a cluster's lanes, as any of its nodes tells; calls `on_moved` when they change."""

    def __init__(self, url: RedisUrl, on_moved: Callable[[], None]) -> None:
        self.url, self.on_moved = url, on_moved
        self._masters: dict[int, Address] = {}
        # The node that answered last comes first, then the nodes it knows, then those of the URL.
        self._nodes: dict[Address, None] = dict.fromkeys(url.hosts)
        self._read_at = self._checked_at = float("-inf")

    async def find(self, lane: int) -> Address:
        """See Place."""
        if time.monotonic() - self._read_at > MAP_SECONDS or lane not in self._masters:
            await self._read()
        try:
            return self._masters[lane]
        except KeyError:
            raise RedisGone("no master has this part of the cluster") from None

    async def check(self, seconds: float) -> None:
        """See Place."""
        now = time.monotonic()
        if now - max(self._read_at, self._checked_at) < seconds:
            return
        self._checked_at = now
        try:
            await self._read()
        except (redis.RedisError, OSError, RuntimeError) as error:
            log.debug("the cluster does not tell of itself", error=type(error).__name__)

    async def _read(self) -> None:
        error: Exception | None = None
        for node in list(self._nodes):
            # Moved to the end first: even if this call is cancelled, the next one begins with another node.
            self._nodes.pop(node, None)
            self._nodes[node] = None
            try:
                parts = await self._ask(node)
            except (redis.RedisError, OSError, RuntimeError) as failure:
                error = failure
                continue
            self._take(node, parts)
            return
        raise RedisGone("no node of the cluster answers") from error

    async def _ask(self, node: Address) -> list[Any]:
        """Return the slots as one node knows them: first and last slot, then the master and its replicas."""
        host, port = node
        options = options_of(self.url.plain) | {"host": host, "port": port}
        client: Any = redis.Redis(
            **options,
            socket_timeout=ASK_SECONDS,
            socket_connect_timeout=ASK_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            found: list[Any] = await client.execute_command("CLUSTER SLOTS")
            return found
        finally:
            await client.aclose()

    def _take(self, asked: Address, parts: list[Any]) -> None:
        masters: dict[int, Address] = {}
        nodes = {asked: None}
        slots = [slot_of(tag) for tag in list_tags()]
        for first, last, *servers in parts:
            # A node that has no name of its own leaves the host empty.
            found = [((server[0] or b"").decode() or asked[0], int(server[1])) for server in servers]
            nodes.update(dict.fromkeys(found))
            masters.update((lane, found[0]) for lane, slot in enumerate(slots) if first <= slot <= last)
        before, self._masters, self._read_at = self._masters, masters, time.monotonic()
        if before and masters != before:
            log.warning("the cluster has other masters now")
            self.on_moved()
        self._nodes = {**nodes, **dict.fromkeys(self.url.hosts)}


def options_of(url: str) -> dict[str, Any]:
    """Return credentials and TLS of a URL as options of redis-py's clients, without host and database."""
    options = dict(redis.connection.parse_url(url))
    kind = options.pop("connection_class", None)
    if kind is redis.connection.SSLConnection:
        options["ssl"] = True
    for name in ("host", "port", "db"):
        options.pop(name, None)
    return options


@functools.cache
def find_place(url: RedisUrl, on_moved: Callable[[], None]) -> Place | None:
    """Return the process-wide Place that finds the masters; None if the URL itself names the master."""
    if not url.hosts:
        return None
    return Sentinels(url) if url.service else Cluster(url, on_moved)

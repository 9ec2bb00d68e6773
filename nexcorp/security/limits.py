"""Rate limits: requests a minute of one address, or of one account with all its sessions and keys.

GCRA in Redis, exact over all nodes. While more than about half of a budget is left, a node takes a slice of
it in advance and lets requests in without asking Redis; it gives back unused cells after a second. Near
the limit it asks for each request. A bucket's level is a time: how long it takes to drain.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_network
from typing import Any
from uuid import UUID

import structlog
from aiohttp import web
from multidict import CIMultiDict, istr

from nexcorp.background import end_tasks
from nexcorp.config import Config
from nexcorp.errors import TooManyRequests
from nexcorp.security.addresses import parse_host
from nexcorp.security.redis_scripts import Call, Scripts, load_script
from nexcorp.security.tokens import Principal

log = structlog.get_logger("nexcorp.limits")

PERIOD_SECONDS = 60.0
HOUR_SECONDS = 3600.0
# Time limit for an answer of Redis.
ANSWER_SECONDS = 0.1
# A slice taken in advance is a twentieth of the limit: it drains in three seconds, and a lease lasts one.
SLICES = 20
LEASE_SECONDS = 1.0
SWEEP_SECONDS = 0.25
PRUNE_SECONDS = 10.0
MAX_BUCKETS = 50_000
BATCH = 500
# Sums of seconds are inexact, unlike the whole microseconds in Redis.
ROUNDING_SECONDS = 1e-6
TAKE = load_script("take_cells")


LIMIT_FIELD, REMAINING_FIELD = istr("RateLimit-Limit"), istr("RateLimit-Remaining")
RESET_FIELD = istr("RateLimit-Reset")


@lru_cache(maxsize=16_384)
def network_of(address: str) -> str:
    """Return the key for anonymous requests: an IPv4 address, or the /64 network of an IPv6 address."""
    parsed = parse_host(address)
    if parsed is None:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed.packed[:8] + bytes(8), 64)))
    return str(parsed)


class Bucket:
    """One budget as this node knows it. Times are of time.monotonic()."""

    __slots__ = ("cells", "denied_until", "key", "lease_until", "own", "rule", "shared", "waiting")

    def __init__(self, rule: Rule, key: str) -> None:
        self.rule, self.key = rule, key
        # Cells taken in advance, and until when they are valid.
        self.cells, self.lease_until = 0, 0.0
        # When this node's own admissions will have drained; and those of all nodes, as last heard.
        self.own = self.shared = 0.0
        self.denied_until = 0.0
        self.waiting: list[asyncio.Future[bool]] = []

    def use(self, now: float) -> None:
        """Count one admission of this node."""
        self.own = max(self.own, now) + self.rule.step

    def take_alone(self, now: float) -> bool:
        """Decide without Redis, by this node's own admissions and the level it last heard."""
        level = max(self.own, self.shared, now)
        if level + self.rule.step > now + self.rule.capacity + ROUNDING_SECONDS:
            self.denied_until = level + self.rule.step - self.rule.capacity
            return False
        self.use(now)
        self.shared = level + self.rule.step
        return True

    def write_headers(self, headers: CIMultiDict[str]) -> None:
        """Set the RateLimit fields of an answer."""
        rule, now = self.rule, time.monotonic()
        level = max(self.shared - self.cells * rule.step, self.own, now) - now
        headers[LIMIT_FIELD] = rule.limit_text
        headers[REMAINING_FIELD] = str(max(0, int((rule.capacity - level) / rule.step + ROUNDING_SECONDS)))
        headers[RESET_FIELD] = str(-int(-level // 1))


class Rule:
    """One kind of limit, `limit` in `period` seconds, and its buckets on this node; 0 means no limit."""

    def __init__(self, name: str, limit: int, period: float = PERIOD_SECONDS) -> None:
        self.name, self.limit = name, limit
        self.slice = max(1, limit // SLICES)
        # Whole microseconds: the script counts in these.
        self.step_us = -(-int(period * 1e6) // max(1, limit))
        self.step = self.step_us / 1e6
        self.capacity = self.step * limit
        self.limit_text = str(limit)
        self.buckets: dict[Any, Bucket] = {}

    def bucket(self, who: UUID | str) -> Bucket:
        """Return the bucket of an account or address."""
        found = self.buckets.get(who)
        if found is None:
            if len(self.buckets) >= MAX_BUCKETS:
                self.prune(MAX_BUCKETS * 9 // 10)
            found = self.buckets[who] = Bucket(self, f"nexcorp:limit:{self.name}:{who}")
        return found

    def prune(self, most: int = MAX_BUCKETS) -> None:
        """Drop drained buckets, then the oldest until `most` are left; Redis still has those."""
        now = time.monotonic()
        kept = {
            who: bucket
            for who, bucket in self.buckets.items()
            if bucket.waiting or bucket.cells or max(bucket.own, bucket.shared, bucket.denied_until) > now
        }
        for who in list(kept)[: max(0, len(kept) - most)]:
            del kept[who]
        self.buckets = kept


@dataclass(slots=True)
class Ask:
    """One bucket's part in a round trip: the requests that wait, and the cells that are given back."""

    bucket: Bucket
    waiting: list[asyncio.Future[bool]]
    given: int


class Limits:
    """The rate limits of one node."""

    def __init__(self, config: Config) -> None:
        self.scripts = Scripts(config.redis_url, seconds=ANSWER_SECONDS)
        self.anonymous = Rule("address", config.rate_limit_anonymous)
        self.user = Rule("user", config.rate_limit_user)
        # The same limit as for one address: a session is used from one place at a time.
        self.session = Rule("session", config.rate_limit_anonymous)
        self.files = Rule("files", config.rate_limit_files)
        # Anybody can make accounts: those with an unverified address share the limit of one account.
        self.newcomers = Rule("newcomers", 0 if config.development else config.rate_limit_user)
        self.registrations = Rule("registrations", config.registrations_per_hour, HOUR_SECONDS)
        self.rules = (
            self.anonymous,
            self.user,
            self.session,
            self.files,
            self.newcomers,
            self.registrations,
        )
        # Buckets with something to ask, and those with leased cells, the oldest lease first.
        self._asking: dict[Bucket, None] = {}
        self._leased: dict[Bucket, None] = {}
        self._asker: asyncio.Task[None] | None = None

    async def take_user(self, request: web.Request, user_id: UUID) -> None:
        """Count a request against an account; raises TooManyRequests."""
        if self.user.limit:
            await self.take(request, self.user.buckets.get(user_id) or self.user.bucket(user_id))

    async def take_caller(self, request: web.Request, who: Principal, address: str | None) -> None:
        """Count a request of `who`: against their account or, while its address is not verified, against the
        client's network, with all other such accounts there. Raises TooManyRequests."""
        if who.verified or address is None or not self.newcomers.limit:
            await self.take_user(request, who.user_id)
        else:
            await self.take(request, self.newcomers.bucket(network_of(address)))

    async def take_registration(self, request: web.Request, address: str | None) -> None:
        """Count the creation of an account against the client's network; raises TooManyRequests."""
        if self.registrations.limit and address is not None:
            counted = request.get(LIMIT)
            await self.take(request, self.registrations.bucket(network_of(address)))
            if counted is not None:
                # The answer's headers show the budget of the minute.
                request[LIMIT] = counted

    async def take_session(self, request: web.Request, session_id: UUID) -> None:
        """Count the use of a genuine refresh token against its session; raises TooManyRequests."""
        if self.session.limit:
            await self.take(request, self.session.buckets.get(session_id) or self.session.bucket(session_id))

    async def take_address(self, request: web.Request, address: str | None) -> None:
        """Count a request against its client's network; raises TooManyRequests."""
        if self.anonymous.limit and address is not None:
            await self.take(request, self.anonymous.bucket(network_of(address)))

    async def take_file(self, request: web.Request, address: str | None) -> None:
        """Count a request outside of the API against its client's network; raises TooManyRequests."""
        if self.files.limit and address is not None:
            await self.take(request, self.files.bucket(network_of(address)))

    def give_back(self, address: str | None) -> None:
        """Undo take_address() when the request turns out to be signed in."""
        if self.anonymous.limit and address is not None:
            bucket, now = self.anonymous.bucket(network_of(address)), time.monotonic()
            bucket.own -= self.anonymous.step
            if now >= bucket.lease_until:
                bucket.lease_until = now + LEASE_SECONDS
            bucket.cells += 1
            self._leased[bucket] = None

    async def take(self, request: web.Request, bucket: Bucket) -> None:
        """Take one cell; raises TooManyRequests if the bucket is full."""
        request[LIMIT] = bucket
        now = time.monotonic()
        if bucket.cells and now < bucket.lease_until:
            bucket.cells -= 1
            bucket.own = max(bucket.own, now) + bucket.rule.step
            return
        if now >= bucket.denied_until and await self._take_slowly(bucket):
            return
        wait = max(0.0, bucket.denied_until - time.monotonic())
        raise TooManyRequests(retry_after=wait)

    async def _take_slowly(self, bucket: Bucket) -> bool:
        if self.scripts.resting:
            return bucket.take_alone(time.monotonic())
        place = asyncio.get_running_loop().create_future()
        bucket.waiting.append(place)
        self._ask(bucket)
        # A client that leaves cancels its own place, not the round trip that others wait for.
        granted: bool = await place
        return granted

    def _ask(self, bucket: Bucket) -> None:
        self._asking[bucket] = None
        if self._asker is None or self._asker.done():
            self._asker = asyncio.get_running_loop().create_task(self._ask_all())

    async def _ask_all(self) -> None:
        """Make round trips until no request waits; each carries all that came during the one before."""
        while self._asking:
            asks = []
            for bucket in list(self._asking)[:BATCH]:
                del self._asking[bucket]
                asks.append(Ask(bucket, bucket.waiting, bucket.cells))
                bucket.waiting, bucket.cells = [], 0
                self._leased.pop(bucket, None)
            try:
                answers = await self.scripts.run([make_call(ask) for ask in asks])
            except BaseException:
                # After any error no request may be left waiting.
                for ask in asks:
                    decide_alone(ask)
                raise
            if answers is None:
                for ask in asks:
                    decide_alone(ask)
                continue
            for ask, (granted, level) in zip(asks, answers, strict=True):
                self._settle(ask, granted, level / 1e6)

    def _settle(self, ask: Ask, granted: int, level: float) -> None:
        """Hand out the granted cells; the rest are a lease."""
        bucket, now = ask.bucket, time.monotonic()
        rule = bucket.rule
        bucket.shared = now + level
        for place in ask.waiting:
            if place.done():
                continue
            if granted:
                granted -= 1
                bucket.use(now)
                place.set_result(True)
            else:
                bucket.denied_until = now + max(0.0, level + rule.step - rule.capacity)
                place.set_result(False)
        # give_back() may have added some meanwhile.
        bucket.cells += granted
        if bucket.cells:
            bucket.lease_until = now + LEASE_SECONDS
            self._leased[bucket] = None

    async def stop(self) -> None:
        """Cancel the current round trip, and close the connection."""
        if self._asker is not None:
            await end_tasks((self._asker,))
        await self.scripts.close()

    async def run(self) -> None:
        """Return unused leases and forget drained buckets, until cancelled."""
        await self.scripts.prepare()
        pruned = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for bucket in list(self._leased):
                if not bucket.cells:
                    del self._leased[bucket]
                elif bucket.lease_until <= now:
                    self._ask(bucket)
            if now - pruned > PRUNE_SECONDS:
                pruned = now
                for rule in self.rules:
                    rule.prune()


def make_call(ask: Ask) -> Call:
    """Return the script's call for one bucket."""
    bucket, rule = ask.bucket, ask.bucket.rule
    own = max(0, int((bucket.own - time.monotonic()) * 1e6))
    wanted = sum(not place.done() for place in ask.waiting)
    return Call(TAKE, bucket.key, (rule.step_us, rule.limit, wanted, rule.slice, ask.given, own))


def decide_alone(ask: Ask) -> None:
    """Answer the waiting requests without Redis."""
    bucket, now = ask.bucket, time.monotonic()
    bucket.shared -= ask.given * bucket.rule.step
    for place in ask.waiting:
        if not place.done():
            place.set_result(bucket.take_alone(now))


LIMITS = web.AppKey("limits", Limits)
LIMIT = web.RequestKey("limit", Bucket)

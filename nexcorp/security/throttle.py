"""Growing waits after failed attempts at a secret, per pair of secret and network of the client.

The account itself is never locked, so a stranger in another network cannot lock its owner out. Use it as

    await attempt(request, "login", email)      # before the check; raises TooManyRequests
    ...                                         # after a failed check: nothing, it counts already
    await forgive(request, "login", email)      # after a successful check
    await withdraw(request, "login", email)     # if nothing was checked, for instance 503
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from ipaddress import ip_network

from aiohttp import web

from nexcorp.config import Config
from nexcorp.errors import TooManyRequests
from nexcorp.security.addresses import parse_host
from nexcorp.security.app_keys import CONTEXT, SECRETS
from nexcorp.security.redis_scripts import Call, Scripts, load_script

FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 15 * 60.0
# Failures are remembered for this long after the last one, or after the wait that followed it.
MEMORY_SECONDS = 15 * 60.0
MAX_REMEMBERED = 20_000
# Time limit for an answer of Redis, in seconds.
ANSWER_SECONDS = 2.0

RESERVE = load_script("reserve_attempt")
WITHDRAW = load_script("withdraw_attempt")
FORGIVE = load_script("forgive_attempts")


def network_of(address: str | None) -> str:
    """Return the /24 of an IPv4 address, or the /64 of an IPv6 address: about what one attacker controls."""
    parsed = parse_host(address or "")
    if parsed is None:
        return address or ""
    return str(ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))


@dataclass(slots=True)
class Known:
    """One counter as this node knows it. Times are of time.monotonic()."""

    count: int = 0
    # When the next attempt is allowed, and when to forget the counter.
    free_at: float = 0.0
    until: float = 0.0
    # How many attempts this node allowed by itself without telling Redis yet.
    untold: int = 0


class Failures:
    """The same rule in this node's memory: decides while Redis is away, and holds what Redis said last."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    def find(self, key: str) -> Known:
        """Return this counter as known; zeros if it is unknown or expired."""
        known = self._known.get(key)
        return known if known is not None and known.until > time.monotonic() else Known()

    def keep(self, key: str, known: Known) -> None:
        """Remember a counter as the youngest, and drop the oldest ones if there are too many."""
        self._known.pop(key, None)
        while len(self._known) >= MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = known

    def reserve(self, key: str, free: int) -> float:
        """Return the seconds to wait; 0 if the attempt may go on, which then counts as failed."""
        now, known = time.monotonic(), self.find(key)
        if known.free_at > now:
            return known.free_at - now
        count, wait = known.count + 1, 0.0
        if count >= free:
            wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(count - free, 30))
        self.keep(key, Known(count, now + wait, now + wait + MEMORY_SECONDS, known.untold + 1))
        return 0.0

    def hear(self, key: str, count: int, wait: float, told: int) -> None:
        """Take over Redis's `count` and seconds to `wait`, after it was told of `told` attempts."""
        now, known = time.monotonic(), self.find(key)
        untold = max(0, known.untold - told)
        # Attempts that were allowed while Redis was asked are not in its answer.
        count, free_at = (
            (max(count, known.count), max(now + wait, known.free_at)) if untold else (count, now + wait)
        )
        self.keep(key, Known(count, free_at, free_at + MEMORY_SECONDS, untold))

    def withdraw(self, key: str) -> bool:
        """Take a reserved attempt back; return whether Redis was not told of it."""
        known, untold = self.find(key), self.find(key).untold > 0
        if known.count > 1:
            self.keep(key, Known(known.count - 1, 0.0, known.until, max(0, known.untold - 1)))
        else:
            self._known.pop(key, None)
        return untold

    def forgive(self, key: str) -> None:
        """Forget every failure."""
        self._known.pop(key, None)


class Throttle:
    """Failed attempts, counted in Redis for all nodes. The first `free` cause no wait; 0: no attempt does.

    A slow Redis may still count an attempt after this node stopped waiting and decided by itself. So attempts
    that this node allows by itself are told to Redis with the next one, and both keep the larger count.
    """

    def __init__(self, config: Config) -> None:
        self.free = config.login_failures
        # Not those of the rate limits: checking a secret is slow anyway, so a slow Redis is waited for.
        self.scripts = Scripts(config.redis_url, seconds=ANSWER_SECONDS)
        self.local = Failures()

    async def reserve(self, key: str, free: int) -> float:
        """Return the seconds to wait; 0 if the attempt may go on, which then counts as failed."""
        known = self.local.find(key)
        times = (FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, MEMORY_SECONDS)
        told = (known.count, max(0.0, known.free_at - time.monotonic())) if known.untold else (0, 0.0)
        values = (free, *(int(seconds * 1000) for seconds in times), told[0], int(told[1] * 1000))
        answers = await self.scripts.run([Call(RESERVE, key, values)])
        if answers is None:
            return self.local.reserve(key, free)
        granted, milliseconds, count = answers[0]
        if granted and self.local.find(key).untold > known.untold:
            # Others were allowed without Redis meanwhile, and it has not counted those.
            return self.local.reserve(key, free)
        self.local.hear(key, count, milliseconds / 1000, known.untold)
        return 0.0 if granted else float(milliseconds) / 1000

    async def withdraw(self, key: str) -> None:
        """Take a reserved attempt back."""
        if not self.local.withdraw(key):
            await self.scripts.run([Call(WITHDRAW, key)])

    async def forgive(self, key: str) -> None:
        """Forget every failure."""
        self.local.forgive(key)
        await self.scripts.run([Call(FORGIVE, key)])

    async def close(self) -> None:
        """Close the connections to Redis."""
        await self.scripts.close()


THROTTLE = web.AppKey("throttle", Throttle)


def make_key(request: web.Request, kind: str, parts: tuple[str, ...]) -> str:
    """Return the name of a counter: an HMAC, so that Redis holds no e-mail address."""
    material = "\0".join([kind, network_of(request[CONTEXT].ip), *(part.casefold() for part in parts)])
    digest = hmac.digest(request.app[SECRETS].fingerprint, b"throttle\0" + material.encode(), "sha256")
    return f"nexcorp:throttle:{digest.hex()[:40]}"


async def attempt(request: web.Request, kind: str, *parts: str, free: int | None = None) -> None:
    """Reserve an attempt of `kind` ("login") at the secret named by `parts` (an e-mail address, a session
    id).

    It counts as failed until forgive(). `free` failures cause no wait; by default LOGIN_FAILURES. Raises
    TooManyRequests while there is a wait.
    """
    throttle = request.app[THROTTLE]
    free = throttle.free if free is None else free
    if not free:
        return
    wait = await throttle.reserve(make_key(request, kind, parts), free)
    if wait > 0:
        raise TooManyRequests(message="Too many failed attempts: wait before the next one.", retry_after=wait)


async def forgive(request: web.Request, kind: str, *parts: str) -> None:
    """Forget the failures: the attempt was successful."""
    await request.app[THROTTLE].forgive(make_key(request, kind, parts))


async def withdraw(request: web.Request, kind: str, *parts: str) -> None:
    """Take back an attempt that the service could not check: it does not count."""
    await request.app[THROTTLE].withdraw(make_key(request, kind, parts))

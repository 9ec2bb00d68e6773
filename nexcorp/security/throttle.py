"""Growing waits after failed attempts at a secret, per pair of secret and network of the client.

The account itself is never locked, so a stranger in another network cannot lock its owner out. Use it as

    await attempt(request, "login", email)      # before the check; raises TooManyRequests
    ...                                         # a failed check: nothing to do, it counts already
    await forgive(request, "login", email)      # a good one
    await withdraw(request, "login", email)     # it came to no check, for instance 503
"""

from __future__ import annotations

import hmac
import time
from ipaddress import ip_network

from aiohttp import web

from nexcorp.config import Config
from nexcorp.errors import TooManyRequests
from nexcorp.security.addresses import parse_host
from nexcorp.security.app_keys import CONTEXT, SECRETS
from nexcorp.security.redis_scripts import Call, Scripts, load_script

FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 15 * 60.0
# Failures are remembered for so long after the last one, or after the wait it brought.
MEMORY_SECONDS = 15 * 60.0
MAX_REMEMBERED = 20_000

RESERVE = load_script("reserve_attempt")
WITHDRAW = load_script("withdraw_attempt")
FORGIVE = load_script("forgive_attempts")


def network_of(address: str | None) -> str:
    """The /24 of an IPv4 address, or the /64 of an IPv6 address: about as much as one attacker controls."""
    parsed = parse_host(address or "")
    if parsed is None:
        return address or ""
    return str(ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))


class Failures:
    """The same rule in this node's memory, for as long as Redis is away."""

    def __init__(self) -> None:
        # key -> (failures, when the next attempt may follow, when to forget)
        self._known: dict[str, tuple[int, float, float]] = {}

    def reserve(self, key: str, free: int) -> float:
        """Seconds to wait; 0 where the attempt may go on, which then counts as failed."""
        now = time.monotonic()
        count, free_at, until = self._known.pop(key, (0, 0.0, 0.0))
        if until <= now:
            count = 0
        elif free_at > now:
            self._known[key] = (count, free_at, until)
            return free_at - now
        count += 1
        wait = 0.0
        if count >= free:
            wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(count - free, 30))
        while len(self._known) >= MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = (count, now + wait, now + wait + MEMORY_SECONDS)
        return 0.0

    def withdraw(self, key: str) -> None:
        """Take a reserved attempt back."""
        count, _, until = self._known.pop(key, (0, 0.0, 0.0))
        if count > 1:
            self._known[key] = (count - 1, 0.0, until)

    def forgive(self, key: str) -> None:
        """Forget every failure."""
        self._known.pop(key, None)


class Throttle:
    """Failed attempts, counted in Redis for all nodes. The first `free` bring no wait; 0: no attempt does."""

    def __init__(self, config: Config, scripts: Scripts) -> None:
        self.free, self.scripts = config.login_failures, scripts
        self.local = Failures()

    async def reserve(self, key: str, free: int) -> float:
        """Seconds to wait; 0 where the attempt may go on, which then counts as failed."""
        times = (FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, MEMORY_SECONDS)
        values = (free, *(int(seconds * 1000) for seconds in times))
        answers = await self.scripts.run([Call(RESERVE, key, values)])
        if answers is None:
            return self.local.reserve(key, free)
        return float(answers[0][1]) / 1000

    async def withdraw(self, key: str) -> None:
        """Take a reserved attempt back."""
        self.local.withdraw(key)
        await self.scripts.run([Call(WITHDRAW, key)])

    async def forgive(self, key: str) -> None:
        """Forget every failure."""
        self.local.forgive(key)
        await self.scripts.run([Call(FORGIVE, key)])


THROTTLE = web.AppKey("throttle", Throttle)


def make_key(request: web.Request, kind: str, parts: tuple[str, ...]) -> str:
    """The name of a counter: an HMAC, so that Redis holds no e-mail address."""
    material = "\0".join([kind, network_of(request[CONTEXT].ip), *(part.casefold() for part in parts)])
    digest = hmac.digest(request.app[SECRETS].fingerprint, b"throttle\0" + material.encode(), "sha256")
    return f"nexcorp:throttle:{digest.hex()[:40]}"


async def attempt(request: web.Request, kind: str, *parts: str, free: int | None = None) -> None:
    """Reserve an attempt of `kind` ("login") at what `parts` name (an e-mail address, a session's id).

    It counts as failed until forgive(). `free` failures bring no wait; LOGIN_FAILURES where not given.
    Raises TooManyRequests while there is a wait.
    """
    throttle = request.app[THROTTLE]
    free = throttle.free if free is None else free
    if not free:
        return
    wait = await throttle.reserve(make_key(request, kind, parts), free)
    if wait > 0:
        raise TooManyRequests(message="Too many failed attempts: wait before the next one.", retry_after=wait)


async def forgive(request: web.Request, kind: str, *parts: str) -> None:
    """The attempt was good: forget the failures before it."""
    await request.app[THROTTLE].forgive(make_key(request, kind, parts))


async def withdraw(request: web.Request, kind: str, *parts: str) -> None:
    """The service could not check the attempt: it does not count."""
    await request.app[THROTTLE].withdraw(make_key(request, kind, parts))

"""Passwords: hash with argon2id in a few threads, verify old bcrypt hashes, refuse common passwords."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import unicodedata
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import bcrypt
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from nexcorp.context import aside, current
from nexcorp.errors import Overloaded, TooManyRequests
from nexcorp.security.limits import network_of

MIN_CHARS = 8
MAX_CHARS = 128

# OWASP's second choice of argon2id parameters: 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
# bcrypt reads this many bytes; this library refuses longer input, older ones cut it off.
BCRYPT_BYTES = 72
# Verified if there is no account, so that this takes as long as a wrong password.
DUMMY_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$WIAc7ZgP9z6IvusVElDiwg$BezZTKVMIlZvqht+YdD0JMB+4xN+8fkqPfzZB2VuyIw"
)

# Leave one core free for everything else.
WORKERS = max(1, min(4, (os.cpu_count() or 1) - 1))
NICENESS = 10
MAX_WAITING = 32
# Jobs of one signed-in account, queued or running.
MAX_OF_ONE = 2

Result = TypeVar("Result")


def yield_to_requests() -> None:
    """Lower the calling thread's priority below threads that answer requests (on Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


@dataclass(slots=True, eq=False)
class Job:
    """Work for a thread, and the account it counts for: None if the caller is not signed in."""

    work: Callable[[], Any]
    account: UUID | None
    result: Future[Any]


class HashingPool:
    """A few threads and a short queue: 503 at once is kinder than an answer after the deadline.

    Networks are served round-robin. If the queue is full, the network with the most jobs loses its last one.
    A signed-in account has at most `of_one` jobs, queued or running.
    """

    def __init__(self, workers: int = WORKERS, waiting: int = MAX_WAITING, of_one: int = MAX_OF_ONE) -> None:
        self._threads = ThreadPoolExecutor(
            workers, thread_name_prefix="passwords", initializer=yield_to_requests
        )
        self._most, self._of_one = workers + waiting, of_one
        # The threads use the fields below as well.
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Job]] = {}
        self._in_hand = 0
        self._of_account: Counter[UUID] = Counter()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a thread and return its result.

        Raises Overloaded if the queue is full, TooManyRequests if the caller's account has too many jobs.
        """
        context = current.get()
        account = context.user_id if context is not None else None
        network = network_of(context.ip) if context is not None and context.ip else ""
        job = Job(work, account, Future())
        with self._lock:
            if account is not None and self._of_account[account] >= self._of_one:
                raise TooManyRequests(retry_after=1)
            if self._in_hand >= self._most:
                self._make_place(network)
            self._queues.setdefault(network, deque()).append(job)
            self._in_hand += 1
            if account is not None:
                self._of_account[account] += 1
        self._threads.submit(self._do_next)
        try:
            with aside():
                result: Result = await asyncio.wrap_future(job.result)
                return result
        except asyncio.CancelledError:
            # The client has left: drop the job if it has not begun.
            with self._lock:
                self._drop(network, job)
            raise

    def _make_place(self, network: str) -> None:
        """Refuse the last job of the network with the longest queue; raises Overloaded if it is `network`."""
        mine = len(self._queues.get(network, ()))
        largest = max(self._queues, key=lambda name: len(self._queues[name]), default=network)
        if mine >= len(self._queues.get(largest, ())):
            raise Overloaded()
        refused = self._queues[largest][-1]
        self._drop(largest, refused)
        if refused.result.set_running_or_notify_cancel():
            refused.result.set_exception(Overloaded())

    def _drop(self, network: str, job: Job) -> None:
        """Remove a job from the queue, if it is still there."""
        if job in self._queues.get(network, ()):
            self._queues[network].remove(job)
            if not self._queues[network]:
                del self._queues[network]
            self._forget(job)

    def _take_next(self) -> Job | None:
        """Take the oldest job of the network whose turn it is; None if the job was dropped meanwhile."""
        with self._lock:
            network = next(iter(self._queues), None)
            if network is None:
                return None
            queue = self._queues.pop(network)
            job = queue.popleft()
            if queue:
                self._queues[network] = queue
            return job

    def _do_next(self) -> None:
        job = self._take_next()
        if job is None:
            return
        try:
            if job.result.set_running_or_notify_cancel():
                try:
                    job.result.set_result(job.work())
                except BaseException as error:
                    job.result.set_exception(error)
        finally:
            with self._lock:
                self._forget(job)

    def _forget(self, job: Job) -> None:
        self._in_hand -= 1
        if job.account is not None:
            self._of_account[job.account] -= 1
            if not self._of_account[job.account]:
                del self._of_account[job.account]


POOL = HashingPool()


@cache
def common_passwords() -> frozenset[str]:
    """The refused passwords, in lower case."""
    text = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def is_common(password: str) -> bool:
    """Return whether `password`, in any case, is one of the common passwords that attackers try first."""
    return unify(password).casefold() in common_passwords()


def unify(password: str) -> str:
    """Return the form to hash (NFKC): keyboards send the same letters as different code points."""
    return unicodedata.normalize("NFKC", password)


def list_forms(password: str) -> list[str]:
    """Return the forms that a hash may be of: NFKC, and for older hashes the forms that keyboards send."""
    others = [unicodedata.normalize(form, password) for form in ("NFC", "NFD")]
    return list(dict.fromkeys([unify(password), password, *others]))


def matches(password_hash: str, password: str) -> bool:
    """Return whether `password` matches a hash. Takes tens of milliseconds; run it in the pool."""
    return any(matches_exactly(password_hash, form.encode()) for form in list_forms(password))


def matches_exactly(password_hash: str, secret: bytes) -> bool:
    """Return whether these bytes match the hash."""
    if password_hash.startswith(BCRYPT_PREFIXES):
        try:
            return bcrypt.checkpw(secret[:BCRYPT_BYTES], password_hash.encode())
        except ValueError:
            return False
    try:
        return HASHER.verify(password_hash, secret)
    except (VerificationError, InvalidHashError):
        return False


def needs_upgrade(password_hash: str) -> bool:
    """Return whether a hash was made with bcrypt, or with parameters other than HASHER's."""
    return password_hash.startswith(BCRYPT_PREFIXES) or HASHER.check_needs_rehash(password_hash)


async def hash_password(password: str) -> str:
    """Return the argon2id hash to store. Do not hold a connection meanwhile: it may wait in a queue."""
    return await POOL.run(lambda: HASHER.hash(unify(password).encode()))


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether `password` matches this hash. Without a hash (None): False, after as long a time."""
    good = await POOL.run(lambda: matches(password_hash or DUMMY_HASH, password))
    return good and password_hash is not None

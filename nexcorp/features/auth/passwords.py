"""Passwords: argon2id in a few threads, old bcrypt hashes are verified, common passwords are refused."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from nexcorp.errors import Overloaded

MIN_CHARS = 8
MAX_CHARS = 128

# OWASP's second choice of argon2id parameters: 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
# What bcrypt looks at; the library refuses longer input where older ones cut it off.
BCRYPT_BYTES = 72
# Compared with where there is no account, so that its absence takes as long as a wrong password.
DUMMY_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$WIAc7ZgP9z6IvusVElDiwg$BezZTKVMIlZvqht+YdD0JMB+4xN+8fkqPfzZB2VuyIw"
)

# A core stays free for everything that is not a password.
WORKERS = max(1, min(4, (os.cpu_count() or 1) - 1))
NICENESS = 10
MAX_WAITING = 32

Result = TypeVar("Result")


def yield_to_requests() -> None:
    """Lower the calling thread's priority below threads that answer requests (on Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class HashingPool:
    """A few threads and a short queue: 503 at once is kinder than an answer after the deadline."""

    def __init__(self, workers: int = WORKERS, waiting: int = MAX_WAITING) -> None:
        self._threads = ThreadPoolExecutor(
            workers, thread_name_prefix="passwords", initializer=yield_to_requests
        )
        self._places = BoundedSemaphore(workers + waiting)

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work` in a thread; raises Overloaded when the queue is full."""
        if not self._places.acquire(blocking=False):
            raise Overloaded()
        try:
            future = self._threads.submit(work)
        except BaseException:
            self._places.release()
            raise
        # By the thread's future, not by this task: a client that leaves does not end the work.
        future.add_done_callback(lambda done: self._places.release())
        return await asyncio.wrap_future(future)


POOL = HashingPool()


@cache
def common_passwords() -> frozenset[str]:
    """The refused passwords, in lower case."""
    text = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def is_common(password: str) -> bool:
    """Whether `password`, in any case, is one of the common passwords that attackers try first."""
    return unify(password).casefold() in common_passwords()


def unify(password: str) -> str:
    """The form that is hashed: the same letters are other code points on another keyboard (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def list_forms(password: str) -> list[str]:
    """The forms of a password that a hash may be of: NFKC, and those of keyboards for hashes from before."""
    others = [unicodedata.normalize(form, password) for form in ("NFC", "NFD")]
    return list(dict.fromkeys([unify(password), password, *others]))


def matches(password_hash: str, password: str) -> bool:
    """Whether `password` is the one that was hashed. Takes tens of milliseconds; run it in the pool."""
    return any(matches_exactly(password_hash, form.encode()) for form in list_forms(password))


def matches_exactly(password_hash: str, secret: bytes) -> bool:
    """Whether these bytes were hashed."""
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
    """Whether a hash was made with bcrypt, or with parameters other than HASHER's."""
    return password_hash.startswith(BCRYPT_PREFIXES) or HASHER.check_needs_rehash(password_hash)


async def hash_password(password: str) -> str:
    """The argon2id hash to store. Never call it with a connection in hand: it may wait its turn."""
    return await POOL.run(lambda: HASHER.hash(unify(password).encode()))


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` matches this hash. Without a hash (None) the answer is False, and takes as long."""
    good = await POOL.run(lambda: matches(password_hash or DUMMY_HASH, password))
    return good and password_hash is not None

"""Clients of Redis, and what they raise when it is not there."""

from __future__ import annotations

from typing import Any

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

# RuntimeError: what uvloop raises, and redis-py passes on, for a write to a connection that was cut.
CONNECTION_LOST = (RedisError, OSError, RuntimeError)


def connect(
    url: str, *, seconds: float = 2.0, blocking: bool = False, check_seconds: int = 0, retry: bool = True
) -> Any:
    """A client, which connects when it is first used; whoever made it closes it by `aclose()`.

    `seconds`: how long it waits for a connection and for each answer. `blocking`: for SAQ and subscriptions,
    whose reads wait longer than any sensible time-out. `check_seconds`: a connection that was silent for so
    long is asked whether it lives before it is used; 0 never asks. `retry`: try again what failed.
    """
    more: dict[str, Any] = {} if retry else {"retry": Retry(NoBackoff(), 0)}
    return redis.Redis.from_url(
        url,
        socket_timeout=None if blocking else seconds,
        socket_connect_timeout=seconds,
        socket_keepalive=True,
        health_check_interval=check_seconds,
        **more,
    )

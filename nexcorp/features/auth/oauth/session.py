"""The flow session of a sign-in with a provider, from redirect to callback: ten minutes, usable once.

aiohttp-session keeps it in Redis. No middleware exposes it, so that nothing else can depend on it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from aiohttp_session import Session
from aiohttp_session.redis_storage import RedisStorage

from nexcorp.errors import RedisUnavailable
from nexcorp.realtime.node import NODE
from nexcorp.redis_client import CONNECTION_LOST

# __Host- makes browsers refuse the cookie unless it is Secure, for / and for this host alone.
COOKIE = "__Host-oauth"
FLOW_SECONDS = 600
ID_BYTES = 32
MAX_ID_CHARS = 64


@contextmanager
def reaching_redis() -> Iterator[None]:
    """Turn lost connections to Redis into RedisUnavailable."""
    try:
        yield
    except CONNECTION_LOST as error:
        raise RedisUnavailable(message="Signing in this way is not possible right now.") from error


class FlowStorage(RedisStorage):
    """A RedisStorage whose sessions can be read once.

    The library's own leaves the old id valid after new_session(), keeps an empty session after
    invalidate(), and cannot delete a cookie that is Secure.
    """

    def __init__(self, redis: Any) -> None:
        self.tag: str = redis.tag
        # Lax: the callback comes from the provider's site.
        super().__init__(
            redis,
            cookie_name=COOKIE,
            max_age=FLOW_SECONDS,
            secure=True,
            httponly=True,
            samesite="Lax",
            key_factory=lambda: secrets.token_urlsafe(ID_BYTES),
        )

    def make_key(self, session_id: str) -> str:
        """Return the Redis key of a session: a hash, so that Redis holds no id that a browser could send."""
        return f"{self.tag}nexcorp:oauth:{hashlib.sha256(session_id.encode()).hexdigest()}"

    async def load_session(self, request: web.Request) -> Session:
        """Remove the browser's session from Redis and return it; a second request gets a new, empty one."""
        session_id = self.load_cookie(request)
        if session_id is None or len(session_id) > MAX_ID_CHARS:
            return await self.new_session()
        with reaching_redis():
            data: Any = await self._redis.getdel(self.make_key(session_id))
        if data is None:
            return await self.new_session()
        return Session(session_id, data=self._decoder(data), new=False, max_age=self.max_age)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Store the session's data under a new id; an empty session is not stored and loses its cookie."""
        if session.empty:
            self.clear_cookie(response)
            return
        session_id = self._key_factory()
        data = self._encoder(self._get_session_data(session))
        with reaching_redis():
            await self._redis.set(self.make_key(session_id), data, ex=FLOW_SECONDS)
        self.save_cookie(response, session_id, max_age=FLOW_SECONDS)

    def clear_cookie(self, response: web.StreamResponse) -> None:
        """Delete the browser's cookie, with the attributes it was set with: otherwise it stays."""
        response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")


def make_storage(request: web.Request) -> FlowStorage:
    """Return a storage that uses the node's connections to Redis."""
    return FlowStorage(request.app[NODE].redis)


async def take_flow(request: web.Request) -> dict[str, Any]:
    """Use up the browser's flow and return its data; {} without one."""
    return dict(await make_storage(request).load_session(request))


async def begin_flow(request: web.Request, response: web.StreamResponse, flow: dict[str, Any]) -> None:
    """Store a flow and give the browser its id; an older flow of the same browser ends."""
    storage = make_storage(request)
    await storage.load_session(request)
    session = await storage.new_session()
    session.update(flow)
    await storage.save_session(request, response, session)


def clear_flow(request: web.Request, response: web.StreamResponse) -> None:
    """Delete the cookie of a used flow."""
    make_storage(request).clear_cookie(response)

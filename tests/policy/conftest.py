"""One service for all cases of a module, as starting one takes longer than the cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import psycopg
import pytest_asyncio

from nexcorp.config import Config
from nexcorp.features.auth.passwords import hash_password
from tests.conftest import PASSWORD, SECRET, Client, name_database, start_web
from tests.policy.world import World
from tests.pushserver import VAPID_KEY


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: Any, valkey: Any) -> AsyncIterator[World]:
    """A running service; each case makes its own rows."""
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("CREATE DATABASE policy TEMPLATE template")
    config = Config(
        env="development",
        database_url=name_database(postgres.url, "policy"),
        database_pool=(2, 10),
        redis_url=valkey.url,
        jwt_secret=SECRET,
        vapid_private_key=VAPID_KEY,
        rate_limit_anonymous=0,
        rate_limit_user=0,
        rate_limit_files=0,
        log_level="warning",
    )
    runner, app, url = await start_web(config)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield World(app, Client(session, url, {}), await hash_password(PASSWORD))
    await runner.cleanup()
    with psycopg.connect(postgres.url, autocommit=True) as conn:
        conn.execute("DROP DATABASE policy WITH (FORCE)")

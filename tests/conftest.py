"""Real servers for every test: PostgreSQL and Valkey once a process, a cloned database once a test."""

from __future__ import annotations

import functools
import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
import redis
import redis.utils
import sqlparse
from aiohttp import web

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.db.migrations import migrate_up
from nexcorp.embedded import PostgresServer, ValkeyServer
from nexcorp.features import PRODUCT
from nexcorp.features.auth.passwords import hash_password
from nexcorp.features.auth.sessions.service import open_session, register_user
from nexcorp.manifest import Product
from nexcorp.security.app_keys import TOKENS
from tests.clients import (
    Client,
    Connect,
    Live,
    Service,
    User,
    keep_sockets,
    open_client,
    run_service,
    start_web,
    wait_until,
)
from tests.order import pytest_collection_modifyitems
from tests.pushserver import VAPID_KEY
from tests.servers import FAST, Databases, choose_folder, name_database

__all__ = [
    "PASSWORD",
    "SECRET",
    "Client",
    "Live",
    "Service",
    "User",
    "choose_folder",
    "name_database",
    "pytest_collection_modifyitems",
    "start_web",
    "wait_until",
]

SECRET = "a secret of the tests, long enough to be accepted"
PASSWORD = "the password of every test user"
_names = itertools.count(1)
# It reads a file for each new connection, and a service opens some twenty.
redis.utils.get_lib_version = functools.cache(redis.utils.get_lib_version)
# yoyo parses each migration again at every step, which takes most of the time of migrating.
split_once = functools.cache(sqlparse.split)
sqlparse.split = lambda text: list(split_once(text))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long(seconds): a test to begin with, as it takes about this long")
    config.addinivalue_line("markers", "shared: runs in the module's service, which others use, too")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL for the whole session, with a migrated database `template` to clone."""
    folder = choose_folder(tmp_path_factory)
    server = PostgresServer(folder / "postgres", settings=FAST)
    server.start()
    try:
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute("CREATE DATABASE template")
        migrate_up(name_database(server.url, "template"))
        yield server
    finally:
        server.destroy()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """Valkey for the whole session; make_config() empties the database it is given."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    try:
        yield server
    finally:
        server.destroy()


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> Iterator[Databases]:
    """Clones of `template`, made ahead."""
    found = Databases(postgres.url)
    yield found
    found.close()


@pytest.fixture
def database_url(postgres: PostgresServer, databases: Databases) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    name = databases.take()
    yield name_database(postgres.url, name)
    databases.drop(name)


def make_config(database_url: str, redis_url: str, home: Path) -> Config:
    """Return the settings of the service under test; empties the Valkey database at `redis_url`."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    return Config(
        env="development",
        database_url=database_url,
        database_pool=(2, 20),
        redis_url=redis_url,
        # Development keeps mails in a folder below it.
        home=str(home),
        jwt_secret=SECRET,
        vapid_private_key=VAPID_KEY,
        # All tests call from one address.
        rate_limit_anonymous=0,
        rate_limit_user=0,
        rate_limit_files=0,
        login_failures=0,
        mentions_a_minute=0,
        log_level="warning",
    )


def choose_fixture(request: pytest.FixtureRequest, name: str) -> Any:
    """Return the fixture `shared_<name>` for a test marked `shared`, `own_<name>` for any other."""
    which = "own" if request.node.get_closest_marker("shared") is None else "shared"
    return request.getfixturevalue(f"{which}_{name}")


@pytest.fixture
def own_config(database_url: str, valkey: ValkeyServer, tmp_path: Path) -> Config:
    """Settings with a database of the test's own."""
    return make_config(database_url, valkey.url, tmp_path / "home")


@pytest.fixture
def shared_config(shared_service: Service) -> Config:
    """The settings of the module's service."""
    return shared_service.config


@pytest.fixture
def config(request: pytest.FixtureRequest) -> Config:
    """The settings of the service under test."""
    found: Config = choose_fixture(request, "config")
    return found


@pytest.fixture
async def database(config: Config) -> AsyncIterator[Database]:
    """The open database of the settings; starts no service itself."""
    database = Database(config)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def product() -> Product:
    """The product of the service under test; a test of other features overrides this fixture."""
    return PRODUCT


@pytest.fixture
async def own_service(config: Config, product: Product) -> AsyncIterator[Service]:
    """A service of the test's own."""
    async with run_service(config, product) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_service(
    postgres: PostgresServer, valkey: ValkeyServer, databases: Databases, tmp_path_factory: Any
) -> AsyncIterator[Service]:
    """A service for all tests of a module that are marked `shared`.

    A marked test must accept rows that others left, and leave nothing that could disturb them.
    """
    name = databases.take()
    url = name_database(postgres.url, name)
    async with run_service(make_config(url, f"{valkey.url}/1", tmp_path_factory.mktemp("home"))) as found:
        yield found
    databases.drop(name)


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Service:
    """A running service: web and worker, real sockets, real SAQ."""
    found: Service = choose_fixture(request, "service")
    return found


@pytest.fixture
async def second_node(service: Service) -> AsyncIterator[str]:
    """The URL of a second web process on the same database and Redis."""
    runner, _, url = await start_web(service.config, service.product)
    yield url
    await runner.cleanup()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey that the test may kill."""
    server = ValkeyServer(tmp_path)
    server.start()
    yield server
    server.destroy()


@pytest.fixture
def web_only(config: Config) -> Callable[..., Any]:
    """`runner, app, url = await web_only(setting=...)` starts a web process without a worker."""

    async def start(**settings: Any) -> tuple[web.AppRunner, web.Application, str]:
        return await start_web(replace(config, **settings))

    return start


@pytest.fixture
async def own_client(service: Service) -> AsyncIterator[Client]:
    """A client of the test's own service."""
    async with open_client(service) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_client(shared_service: Service) -> AsyncIterator[Client]:
    """A client of the module's service."""
    async with open_client(shared_service) as found:
        yield found


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client:
    """A client without credentials; it keeps no cookies."""
    found: Client = choose_fixture(request, "client")
    return found


_hashes: dict[str, str] = {}


async def hash_once(password: str) -> str:
    """Return the hash of a password, computed once in a process."""
    if password not in _hashes:
        _hashes[password] = await hash_password(password)
    return _hashes[password]


@pytest.fixture
def make_user(service: Service, client: Client) -> Callable[..., Awaitable[User]]:
    """`await make_user()` returns a new signed-in user; `role` and `username` may be given.

    The rows are those of POST /auth/register and /auth/login, without the requests and the hashing. The
    address is verified unless `verified` is False, and the session is fresh as after POST /auth/sudo.
    """

    async def make(username: str | None = None, role: str = "member", *, verified: bool = True) -> User:
        name = username or f"user{next(_names)}"
        email = f"{name}@example.com"
        password_hash = await hash_once(PASSWORD)
        async with service.db.transaction(wait=5) as conn:
            person = await register_user(
                conn, email=email, password_hash=password_hash, username=name, role=role
            )
            if verified:
                await sql.auth.trust_email(conn, user_id=person["id"])
            signed_in = await open_session(
                conn,
                account_id=person["id"],
                verified_hash=password_hash,
                new_hash=None,
                platform="cli",
                device=None,
            )
            assert signed_in is not None
            await sql.auth.prove_session(conn, session_id=signed_in.session["id"])
        account, session_id = signed_in.account, signed_in.session["id"]
        token = service.app[TOKENS].sign(
            user_id=account["id"],
            session_id=session_id,
            role=account["role"],
            role_version=account["_roleVersion"],
            platform="cli",
            verified=verified,
        )
        headers = {"Authorization": f"Bearer {token}"}
        return User(
            id=account["id"],
            email=account["email"],
            username=account["username"],
            password=PASSWORD,
            token=token,
            session_id=session_id,
            headers=headers,
            client=client.as_user(headers),
        )

    return make


@pytest.fixture
async def own_connect(service: Service, client: Client) -> AsyncIterator[Connect]:
    """`connect` for the test's own service."""
    async with keep_sockets(service, client) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def shared_connect(service: Service, client: Client) -> AsyncIterator[Connect]:
    """`connect` for the module's service."""
    async with keep_sockets(service, client) as found:
        yield found


@pytest.fixture
def connect(request: pytest.FixtureRequest) -> Connect:
    """`live = await connect(user)` opens a socket at /ws; `query` and `url` may be given."""
    found: Connect = choose_fixture(request, "connect")
    return found

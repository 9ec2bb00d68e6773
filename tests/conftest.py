"""Real servers for every test: PostgreSQL and Valkey once a process, a cloned database once a test."""

from __future__ import annotations

import asyncio
import functools
import itertools
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import psycopg
import pytest
import redis
import redis.utils
from aiohttp import web

from nexcorp.app import create_app
from nexcorp.config import Config
from nexcorp.db import Database
from nexcorp.db.migrations import migrate_up
from nexcorp.embedded import PostgresServer, ValkeyServer
from nexcorp.features import PRODUCT
from nexcorp.features.auth.passwords import hash_password
from nexcorp.features.auth.sessions.service import open_session, register_user
from nexcorp.manifest import Product
from nexcorp.security.app_keys import DATABASE, TOKENS
from tests.contract import check_frame, check_response
from tests.order import pytest_collection_modifyitems  # noqa: F401 - a hook
from workers.settings import serve

SECRET = "a secret of the tests, long enough to be accepted"
PASSWORD = "the password of every test user"
# A crash test needs durability; everything else needs speed.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 8 << 30

_names = itertools.count(1)
# It reads a file for every connection, of which a service opens some twenty.
redis.utils.get_lib_version = functools.cache(redis.utils.get_lib_version)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long(seconds): a test to begin with, as it takes about this long")


def choose_folder(factory: pytest.TempPathFactory) -> Path:
    """Where the tests' databases are: in memory where there is plenty.

    Each has hundreds of files, and disks become slow at making these soon after others were removed.
    """
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
            folder = Path(tempfile.mkdtemp(prefix="nexcorp-tests-", dir=MEMORY))
            # Run by root, PostgreSQL is another user.
            folder.chmod(0o711)
            return folder
    return factory.mktemp("postgres")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL with a migrated database `template` to clone."""
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
    """Valkey, emptied before each test that uses it."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    try:
        yield server
    finally:
        server.destroy()


def name_database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    return url.rpartition("/")[0] + "/" + name


class Databases:
    """Clones of `template`, made ahead and dropped behind by a thread: a test waits for neither."""

    def __init__(self, url: str, ahead: int = 2) -> None:
        self.url = url
        self._thread = ThreadPoolExecutor(1)
        self._ready = deque(self._thread.submit(self._create) for _ in range(ahead))

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(statement)

    def _create(self) -> str:
        name = f"test_{next(_names)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy")
        return name

    def take(self) -> str:
        """The name of one that nobody has used."""
        self._ready.append(self._thread.submit(self._create))
        return self._ready.popleft().result()

    def drop(self, name: str) -> None:
        """Have it dropped."""
        self._thread.submit(self._execute, f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """End the thread; the server goes with what is left."""
        self._thread.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> Iterator[Databases]:
    """Where tests get their databases from."""
    found = Databases(postgres.url)
    yield found
    found.close()


@pytest.fixture
def database_url(postgres: PostgresServer, databases: Databases) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    name = databases.take()
    yield name_database(postgres.url, name)
    databases.drop(name)


@pytest.fixture
def config(database_url: str, valkey: ValkeyServer, tmp_path: Path) -> Config:
    """The settings of the service under test, on an empty Valkey."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return Config(
        env="development",
        database_url=database_url,
        database_pool=(2, 20),
        redis_url=valkey.url,
        # Mails are kept in a folder of it.
        home=str(tmp_path / "home"),
        jwt_secret=SECRET,
        # Every test calls from one address.
        rate_limit_anonymous=0,
        rate_limit_user=0,
        login_failures=0,
        log_level="warning",
    )


@pytest.fixture
async def database(config: Config) -> AsyncIterator[Database]:
    """The database alone, without a service."""
    database = Database(config)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def product() -> Product:
    """What the service under test is made of; a test of other features has a fixture of this name."""
    return PRODUCT


@dataclass
class Service:
    """A web process and a worker that run inside the test."""

    config: Config
    url: str
    app: web.Application
    stop_worker: Callable[[], Awaitable[None]]
    product: Product

    @property
    def db(self) -> Database:
        """The web process's database."""
        return self.app[DATABASE]


async def start_web(config: Config, product: Product = PRODUCT) -> tuple[web.AppRunner, web.Application, str]:
    """A web process's application on a free port; returns its address, too."""
    app = create_app(config, product)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    return runner, app, f"http://127.0.0.1:{port}"


@pytest.fixture
async def service(config: Config, product: Product) -> AsyncIterator[Service]:
    """A running service: web and worker, real sockets, real SAQ."""
    stop = asyncio.Event()
    worker = asyncio.create_task(serve(config, stop, product))
    runner, app, url = await start_web(config, product)

    async def stop_worker() -> None:
        stop.set()
        await worker

    yield Service(config, url, app, stop_worker, product)
    await runner.cleanup()
    await stop_worker()


@pytest.fixture
async def second_node(service: Service) -> AsyncIterator[str]:
    """The address of a second web process on the same database and Redis."""
    runner, _, url = await start_web(service.config, service.product)
    yield url
    await runner.cleanup()


@pytest.fixture
def web_only(config: Config) -> Callable[..., Any]:
    """Starts a web process without a worker: `runner, app, url = await web_only(setting=...)`."""

    async def start(**settings: Any) -> tuple[web.AppRunner, web.Application, str]:
        return await start_web(replace(config, **settings))

    return start


class Client:
    """Calls the service; every answer is checked against the OpenAPI document."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        headers: dict[str, str],
        product: Product = PRODUCT,
    ) -> None:
        self.session, self.url, self.headers, self.product = session, url, headers, product

    def as_user(self, headers: dict[str, str]) -> Client:
        """The same with other headers on every call."""
        return Client(self.session, self.url, headers, self.product)

    async def call(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        """One request, its body read."""
        headers = {**self.headers, **options.pop("headers", {})}
        response = await self.session.request(method, self.url + path, headers=headers, **options)
        await response.read()
        await check_response(method, path, response, self.product)
        return response

    async def get(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("POST", path, **options)

    async def put(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.call("DELETE", path, **options)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    """A client that nobody is signed in with; it keeps no cookies."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Client(session, service.url, {}, service.product)


@dataclass
class User:
    """A registered, signed-in person."""

    id: UUID
    email: str
    username: str
    password: str
    token: str
    session_id: UUID
    headers: dict[str, str]
    client: Client


_hashes: dict[str, str] = {}


async def hash_once(password: str) -> str:
    """The stored form of a password, computed once a process."""
    if password not in _hashes:
        _hashes[password] = await hash_password(password)
    return _hashes[password]


@pytest.fixture
def make_user(service: Service, client: Client) -> Callable[..., Awaitable[User]]:
    """`await make_user()`: a new person, signed in as a cli; `role` and `username` may be given.

    Stored is what POST /auth/register and /auth/login store; neither is called, and nothing is hashed.
    """

    async def make(username: str | None = None, role: str = "member") -> User:
        name = username or f"user{next(_names)}"
        email = f"{name}@example.com"
        password_hash = await hash_once(PASSWORD)
        async with service.db.transaction(wait=5) as conn:
            person = await register_user(
                conn, email=email, password_hash=password_hash, username=name, role=role
            )
            signed_in = await open_session(
                conn,
                account_id=person["id"],
                verified_hash=password_hash,
                new_hash=None,
                platform="cli",
                device=None,
            )
        assert signed_in is not None
        account, session_id = signed_in.account, signed_in.session["id"]
        token = service.app[TOKENS].sign(
            user_id=account["id"],
            session_id=session_id,
            role=account["role"],
            role_version=account["_roleVersion"],
            platform="cli",
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


async def wait_until(check: Callable[[], Awaitable[Any]], seconds: float = 5.0) -> Any:
    """Call `check` until it returns something true; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            found = await check()
            if found:
                return found
            await asyncio.sleep(0.02)


class Live:
    """A client's socket in a test; every frame is checked against the AsyncAPI document."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, product: Product = PRODUCT) -> None:
        self.ws, self.product = ws, product
        self.frames: list[dict[str, Any]] = []

    async def send(self, event: str, data: dict[str, Any] | None = None, **more: Any) -> None:
        await self.ws.send_json({"event": event, "data": data or {}, **more})

    async def next(self, event: str | None = None, seconds: float = 5.0) -> dict[str, Any]:
        """The next frame, or the next one of this kind; what is passed over stays in `frames`."""
        async with asyncio.timeout(seconds):
            while True:
                frame: dict[str, Any] = await self.ws.receive_json()
                check_frame(frame, self.product)
                self.frames.append(frame)
                if event is None or frame["event"] == event:
                    return frame

    async def nothing(self, event: str, seconds: float = 0.5) -> None:
        """Assert that no such frame comes for a while."""
        try:
            frame = await self.next(event, seconds)
        except TimeoutError:
            return
        raise AssertionError(f"did not expect {frame}")


@pytest.fixture
async def connect(service: Service, client: Client) -> AsyncIterator[Callable[..., Awaitable[Live]]]:
    """`live = await connect(user)`: a socket at /ws; `query` and `url` may be given."""
    opened: list[Live] = []

    async def open_socket(user: User, query: dict[str, Any] | None = None, url: str | None = None) -> Live:
        ws = await client.session.ws_connect(
            (url or service.url) + "/ws", protocols=("nexcorp.v1",), headers=user.headers, params=query or {}
        )
        opened.append(Live(ws, service.product))
        return opened[-1]

    yield open_socket
    for live in opened:
        await live.ws.close()

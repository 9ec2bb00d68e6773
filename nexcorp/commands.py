"""Functions that run the subcommands of `nexcorp`. Each imports heavy modules itself, to start fast."""

from __future__ import annotations

import errno
import getpass
import os
import sys
import tempfile
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from nexcorp.config import Config, child_environment
from nexcorp.errors import ConfigError
from nexcorp.logs import set_up_logs

if TYPE_CHECKING:
    from nexcorp.db import Connection

Command = Callable[[Namespace], int]
MOST_LISTED = 200
Described = TypeVar("Described")


def load_config() -> Config:
    """Read the settings of `web` or `worker`, set up logs; raises ConfigError naming each missing setting."""
    config = Config.from_env()
    config.require_services()
    set_up_logs(config)
    return config


def run_async(main: Any) -> Any:
    """Run a coroutine on uvloop."""
    import uvloop

    return uvloop.run(main)


def run_web(options: Namespace) -> int:
    """Serve in this process, or with WEB_CONCURRENCY above 1 become gunicorn."""
    config = load_config()
    if config.web_concurrency > 1:
        return replace_by_gunicorn(config)
    from nexcorp.server import serve_web

    try:
        run_async(serve_web(config))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        reason = "another program uses it" if error.errno == errno.EADDRINUSE else error.strerror
        raise ConfigError(f"PORT {config.port} cannot be used: {reason}") from None
    return 0


def show_host(host: str) -> str:
    """Return an IP address as it is written before a port: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def replace_by_gunicorn(config: Config) -> int:
    """Become gunicorn with WEB_CONCURRENCY processes, which sum their metrics through a temporary folder."""
    from nexcorp.embedded.home import find_usable
    from nexcorp.server import DRAIN_SECONDS, KEEP_ALIVE_SECONDS

    folder = tempfile.mkdtemp(prefix="nexcorp-metrics-")
    hosts = find_usable(config.hosts) or ("0.0.0.0",)  # noqa: S104 - where HOST says nothing
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "nexcorp.wsgi:make_app",
        "--worker-class=aiohttp.GunicornUVLoopWebWorker",
        f"--workers={config.web_concurrency}",
        *(f"--bind={show_host(host)}:{config.port}" for host in hosts),
        f"--graceful-timeout={int(DRAIN_SECONDS)}",
        f"--keep-alive={KEEP_ALIVE_SECONDS}",
        "--config=python:nexcorp.wsgi",
    ]
    os.execve(sys.executable, command, child_environment(PROMETHEUS_MULTIPROC_DIR=folder))  # noqa: S606


def run_worker(options: Namespace) -> int:
    """Deliver events and run jobs until SIGTERM or SIGINT."""
    config = load_config()
    from workers.settings import run_worker as serve

    run_async(serve(config))
    return 0


def require_database() -> Config:
    """Read the settings of a command that needs only PostgreSQL; raises ConfigError."""
    config = Config.from_env()
    if not config.database_url:
        raise ConfigError("DATABASE_URL is not set (`nexcorp dev` shows that of its own, beside `psql`)")
    return config


def run_migrate(options: Namespace) -> int:
    """Apply, roll back or list migrations."""
    from nexcorp.db import migrations

    url = require_database().database_url
    try:
        if options.action == "status":
            for state in migrations.read_status(url):
                note = " EDITED since" if state.edited else ""
                print(f"{state.applied_at or 'not applied'!s:<26}  {state.id}{note}")
            for file in migrations.read_schema_status(url):
                note = " CHANGED since" if file.changed else ""
                moment = file.applied_at and file.applied_at.astimezone(UTC).replace(tzinfo=None)
                print(f"{moment or 'not applied'!s:<26}  schema/{file.name}{note}")
        elif options.action == "down":
            for name in migrations.migrate_down(url, options.steps):
                print(f"rolled back {name}")
        else:
            for name in migrations.migrate_up(url):
                print(f"applied {name}")
    except psycopg.OperationalError as error:
        raise ConfigError(f"DATABASE_URL cannot be used: {str(error).splitlines()[0]}") from None
    return 0


def run_dev(options: Namespace) -> int:
    """Run the whole service on this machine."""
    from nexcorp import dev

    config = Config.from_env()
    hosts = replace(config, env="development").hosts
    return dev.run_dev(config.port, Path(config.home), hosts=hosts, lively=options.lively)


def run_lively(options: Namespace) -> int:
    """Have the demo people act on a running service."""
    from nexcorp.lively import run_lively as go_on

    run_async(go_on(options.address))
    return 0


def run_seed(options: Namespace) -> int:
    """Insert the demo data, if it is not there yet; with --scale fill an empty database to measure with."""
    from nexcorp.seed import open_database, seed

    config = require_database()
    if options.scale is None and not config.development:
        raise ConfigError(
            "seed makes an administrator whose password is published, and this is production. "
            "Make one of your own with `nexcorp admin create`; for demo data set NEXCORP_ENV=development"
        )
    if options.scale is None:
        run_async(seed(config))
        return 0

    async def fill() -> None:
        from nexcorp.scale import LOAD_SECONDS, seed_scale

        async with open_database(config, statement_seconds=LOAD_SECONDS) as database:
            people = options.people or max(10, options.scale // 10)
            await seed_scale(database, people=people, posts=options.scale)

    run_async(fill())
    return 0


def read_password() -> str:
    """Ask for a password on the terminal, or read the first line of stdin; raises ConfigError if empty."""
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not password:
        raise ConfigError("no password: give --password, or write it to stdin")
    return password


def run_admin(options: Namespace) -> int:
    """Create an administrator."""
    from nexcorp.seed import create_admin

    config = require_database()
    password = options.password or read_password()
    user = run_async(create_admin(config, options.email, password, options.username))
    print(f"created {user['username']} <{user['email']}> as admin")
    return 0


def run_outbox(options: Namespace) -> int:
    """List failing deliveries, or queue again those that were given up."""
    from nexcorp.db import sql
    from nexcorp.seed import open_database

    config = require_database()

    async def ask() -> int:
        async with open_database(config) as database, database.transaction(wait=5.0) as conn:
            if options.action == "list":
                rows = await sql.events.list_failing(conn, most=MOST_LISTED)
                for row in rows:
                    state = "dead" if row["dead"] else f"again at {row['nextAt']:%H:%M:%S}"
                    kind = row["type"] or "(event gone)"
                    print(
                        f"{row['id']:>8}  {row['createdAt']:%Y-%m-%d %H:%M:%S}  {kind:<24} "
                        f"{row['attempts']:>2} attempts, {state}: {row['lastError']}"
                    )
                if not rows:
                    print("everything is delivered, or on its way")
                return 0
            revived = {row["id"] for row in await sql.events.revive_dead(conn, ids=options.ids or None)}
        unknown = sorted(set(options.ids) - revived)
        print(f"queued again: {len(revived)}")
        if unknown:
            raise ConfigError(f"not given up on: {', '.join(map(str, unknown))}; see `nexcorp outbox list`")
        return 0

    code: int = run_async(ask())
    return code


@contextmanager
def telling_of_files() -> Iterator[None]:
    """Turn an OSError of a file or disk into a ConfigError of one line."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.strerror is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        raise ConfigError(f"{where}{error.strerror}") from None


def run_backup(options: Namespace) -> int:
    """Write a backup."""
    from nexcorp.backups.making import make_backup

    with telling_of_files():
        make_backup(require_database(), options.target, media=not options.without_media, say=print)
    return 0


def run_restore(options: Namespace) -> int:
    """Restore a backup, then apply the migrations that are newer than it."""
    from nexcorp.backups.restoring import restore_backup

    with telling_of_files():
        applied = restore_backup(
            require_database(), options.source, replace=options.replace, moved=options.moved, say=print
        )
    for name in applied:
        print(f"applied {name}")
    print("restored: empty Redis (FLUSHDB), then start web and workers")
    return 0


def run_openapi(options: Namespace) -> int:
    """Print the OpenAPI document, or with --asyncapi the AsyncAPI document."""
    from nexcorp.app import make_documents

    documents = make_documents()
    print((documents.asyncapi if options.asyncapi else documents.openapi).body.decode())
    return 0


def run_console_types(options: Namespace) -> int:
    """Write the types of the API's shapes for the console and the clients."""
    import json

    from nexcorp.app import make_documents
    from nexcorp.documents.python_types import PYTHON_TYPES, write_python_types
    from nexcorp.documents.typescript import CLIENT_TYPES, TYPES, write_types

    document = json.loads(make_documents().openapi.body)
    texts = {
        TYPES: write_types(document),
        CLIENT_TYPES: write_types(document),
        PYTHON_TYPES: write_python_types(document),
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


@contextmanager
def migrated_database() -> Iterator[Config]:
    """Yield settings with a migrated database: DATABASE_URL, else a temporary server, then destroyed."""
    from nexcorp.db.migrations import migrate_up
    from nexcorp.embedded import PostgresServer

    config = Config.from_env()
    if config.database_url:
        yield config
        return
    with tempfile.TemporaryDirectory(prefix="nexcorp-schema-") as folder:
        # Started by root, PostgreSQL runs as another user, who must reach the folder.
        Path(folder).chmod(0o711)
        server = PostgresServer(Path(folder), settings={"fsync": "off"})
        server.start()
        try:
            migrate_up(server.url)
            yield replace(config, database_url=server.url)
        finally:
            server.destroy()


def describe_database(describe: Callable[[Connection], Awaitable[Described]]) -> Described:
    """Return the result of `describe` for a migrated database."""
    from nexcorp.db import Database

    async def ask(config: Config) -> Described:
        database = Database(config)
        await database.open()
        try:
            async with database.connection(wait=5.0) as conn:
                return await describe(conn)
        finally:
            await database.close()

    with migrated_database() as config:
        described: Described = run_async(ask(config))
    return described


def run_sql_types(options: Namespace) -> int:
    """Write the types of the statements in sql/, as PostgreSQL reports them."""
    from nexcorp.db.sql_types import STUB, describe
    from nexcorp.db.statements import load

    STUB.write_text(describe_database(lambda conn: describe(conn, load())))
    return 0


def run_schema(options: Namespace) -> int:
    """Write docs/schema.sql from the migrated database, and the table of triggers in sql/README.md."""
    from nexcorp.db import schema_dump as dump

    async def describe(conn: Connection) -> tuple[str, str]:
        return await dump.dump_schema(conn), await dump.list_effects(conn)

    schema, effects = describe_database(describe)
    dump.TARGET.write_text(schema)
    dump.README.write_text(dump.insert_effects(dump.README.read_text(), effects))
    return 0


def run_doctor(options: Namespace) -> int:
    """Check settings and dependencies; return 0 if all is well, else 1. With --vapid only print a new key."""
    from nexcorp.doctor import diagnose, print_vapid

    return print_vapid() if options.vapid else diagnose()

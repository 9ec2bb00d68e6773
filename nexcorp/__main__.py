"""The `nexcorp` command."""

from __future__ import annotations

import argparse
import os
import select
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import psycopg

from nexcorp import __version__, commands
from nexcorp.errors import AppError, ConfigError

UNMIGRATED = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
)
NO_DATABASE = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    asyncpg.PostgresConnectionError,
    asyncpg.ClientConfigurationError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    psycopg.OperationalError,
    psycopg.errors.InsufficientPrivilege,
)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of every subcommand and its options."""
    parser = argparse.ArgumentParser(prog="nexcorp", description="NexCorp Connect.")
    parser.add_argument("--version", action="version", version=__version__)
    commands_ = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, run: commands.Command, text: str) -> argparse.ArgumentParser:
        sub = commands_.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    add("web", commands.run_web, "serve HTTP and WebSockets on PORT")
    add("worker", commands.run_worker, "deliver events and run jobs")
    migrate = add("migrate", commands.run_migrate, "change the database's schema")
    migrate.add_argument("action", choices=["up", "down", "status"])
    migrate.add_argument("--steps", type=int, default=1, help="down: number of migrations (default: 1)")
    dev = add("dev", commands.run_dev, "run everything on this machine, PostgreSQL and Valkey included")
    dev.add_argument("--lively", action="store_true", help="let one of the demo people act every 20 s")
    lively = add(
        "lively", commands.run_lively, "let one of the demo people act every 20 s, as `dev --lively` does"
    )
    lively.add_argument("address", help="address of the running service: http://127.0.0.1:8080")
    seed = add("seed", commands.run_seed, "insert demo data: a company of ten people and their work")
    seed.add_argument(
        "--scale",
        type=int,
        metavar="POSTS",
        help="fill an empty database with this many posts instead",
    )
    seed.add_argument(
        "--people", type=int, help="with --scale: number of people (default: a tenth of the posts)"
    )
    admin = add("admin", commands.run_admin, "create the account of an administrator")
    admin.add_argument("action", choices=["create"])
    admin.add_argument("email")
    admin.add_argument("--username")
    admin.add_argument("--password", help="if absent, it is asked for on the terminal, or read from stdin")
    outbox = add("outbox", commands.run_outbox, "list events that could not be delivered, or retry them")
    outbox.add_argument(
        "action",
        choices=["list", "retry"],
        help="list the events, or queue those that were given up on again",
    )
    outbox.add_argument(
        "ids", nargs="*", default=[], type=int, metavar="ID", help="retry: ids of events (default: all)"
    )
    backup = add("backup", commands.run_backup, "write the database and the uploads to a new folder")
    backup.add_argument("target", type=Path, metavar="TARGET", help="a folder that does not exist yet")
    backup.add_argument(
        "--without-media", action="store_true", help="the database alone, without the files of MEDIA_ROOT"
    )
    restore = add("restore", commands.run_restore, "put a backup into an empty database and MEDIA_ROOT")
    restore.add_argument(
        "source", type=Path, metavar="SOURCE", help="a folder that `nexcorp backup` has written"
    )
    restore.add_argument(
        "--replace", action="store_true", help="first delete everything in the database's schema public"
    )
    restore.add_argument(
        "--moved",
        action="store_true",
        help="the service did nothing since the backup: sessions stay valid, and due mails and pushes "
        "are sent",
    )
    openapi = add("openapi", commands.run_openapi, "print the OpenAPI document")
    openapi.add_argument("--asyncapi", action="store_true", help="print the AsyncAPI document instead")
    add("console-types", commands.run_console_types, "write the API's types for the console and the clients")
    add("sql-types", commands.run_sql_types, "write the types of every statement in sql/")
    add("schema", commands.run_schema, "write docs/schema.sql, and the table of triggers in sql/README.md")
    doctor = add("doctor", commands.run_doctor, "check every setting and dependency, and say what to do")
    doctor.add_argument("--vapid", action="store_true", help="make a key for Web Push and print it instead")
    return parser


def describe(error: Exception) -> str | None:
    """Return one line for the person at the terminal; None for a bug, whose traceback is shown."""
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, AppError):
        wrong = [f"{name}: {' '.join(texts)}" for name, texts in (error.errors or {}).items()]
        return " ".join([error.message, *wrong])
    if isinstance(error, UNMIGRATED):
        return "the database is not migrated: run `nexcorp migrate up` first"
    if isinstance(error, NO_DATABASE):
        reason = (str(error).splitlines() or [""])[0]
        return f"DATABASE_URL cannot be used: {reason or type(error).__name__}"
    return None


def is_unread() -> bool:
    """Return whether the reader of stdout has closed it, as `head` does."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; return its exit code. A known error is printed as one line, without a stack trace."""
    options = make_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except Exception as error:
        if isinstance(error, BrokenPipeError) and is_unread():
            # Python flushes stdout when it exits: the rest must not fail either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        message = describe(error)
        if message is None:
            raise
        print(f"nexcorp: {message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

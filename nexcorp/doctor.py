"""`nexcorp doctor`: show every setting and its source, check every dependency, say how to fix problems."""

from __future__ import annotations

import asyncio
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import fields
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis

from nexcorp.config import MIN_SECRET_BYTES, Config, setting
from nexcorp.db import Database, locks, migrations, sql
from nexcorp.db.plans import SETTINGS
from nexcorp.errors import ConfigError
from nexcorp.extras import find_missing
from nexcorp.integrations.git_commands import find_problem, read_version
from nexcorp.integrations.oauth import Providers
from nexcorp.integrations.oauth_profiles import HOMES, NAMES
from nexcorp.integrations.vapid import (
    DEFAULT_SUBJECT,
    Vapid,
    choose_subject,
    make_private_key,
    read_private_key,
)
from nexcorp.redis_client import Lanes

MIN_POSTGRESQL = 150000


def show_setting(name: str, value: object, secret: bool) -> str:
    """Return a setting as text: an address without its password, of any other secret only its length."""
    if not secret or not value:
        return str(value) if value not in ("", ()) else "-"
    parts = urlsplit(str(value))
    hosts = parts.netloc.rpartition("@")[2]
    if "," in hosts:
        return f"{parts.scheme}://{hosts}{parts.path}"
    if parts.hostname:
        return f"{parts.scheme}://{parts.hostname}:{parts.port or ''}{parts.path}"
    return f"set, {len(str(value))} characters"


def check_database(config: Config) -> list[str]:
    """Return the problems with PostgreSQL, one sentence each."""
    if not config.database_url:
        return ["DATABASE_URL is not set: give one, or start with `nexcorp dev`."]
    with psycopg.connect(config.database_url, connect_timeout=5) as conn:
        if conn.info.server_version < MIN_POSTGRESQL:
            return [f"PostgreSQL {conn.info.server_version // 10000} is too old: 15 or newer is needed."]
        problems = [
            f"index {name} was left half made: `nexcorp migrate up`, or REINDEX INDEX CONCURRENTLY {name}."
            for name in locks.list_invalid(conn)
        ]
        for name, value in SETTINGS.items():
            (found,) = conn.execute("SELECT current_setting(%s)", (name,)).fetchone() or ("",)
            if found != value:
                problems.append(f"{name} is {found}, which costs more than {value}: `nexcorp migrate up`.")
    for state in migrations.read_status(config.database_url):
        if state.applied_at is None:
            problems.append(f"migration {state.id} is not applied: run `nexcorp migrate up`.")
        if state.edited:
            problems.append(f"migration {state.id} was edited after it was applied: restore its file.")
    for file in migrations.read_schema_status(config.database_url):
        if file.applied_at is None or file.changed:
            problems.append(f"sql/schema/{file.name}.sql is not applied as it is: run `nexcorp migrate up`.")
    return problems


REPLICA = """
SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()),
    coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0)::float,
    pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')
"""
PRIMARY = """
SELECT (SELECT system_identifier FROM pg_control_system()),
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')
"""


def check_replica(config: Config) -> list[str]:
    """Return the problems with the replica; empty if DATABASE_READ_URL is not set."""
    if not config.database_read_url:
        return []
    with psycopg.connect(config.database_url, connect_timeout=5) as conn:
        identity, position = conn.execute(PRIMARY).fetchone() or (None, 0)
    with psycopg.connect(config.database_read_url, connect_timeout=5) as conn:
        in_recovery, of, age, replayed = conn.execute(REPLICA).fetchone() or (False, None, 0.0, 0)
    if not in_recovery:
        return ["DATABASE_READ_URL is no replica, or no longer one: it is not read."]
    if of != identity:
        return ["DATABASE_READ_URL is a replica of another server than DATABASE_URL."]
    if replayed < position and age > config.database_read_lag:
        return [f"the replica is {age:.0f} s behind: it is not read."]
    return []


def check_redis(config: Config) -> list[str]:
    """Return the problems with Redis."""
    if not config.redis_url:
        return ["REDIS_URL is not set: give one, or start with `nexcorp dev`."]
    return asyncio.run(ask_redis(config.redis_url))


async def ask_redis(url: str) -> list[str]:
    """Return the problems of every Redis server in use: of a cluster, all masters. Raises redis-py errors."""
    lanes, problems = Lanes(url, seconds=5), dict[str, None]()
    try:
        for client in lanes.clients:
            await client.ping()
            try:
                found = (await client.config_get("maxmemory-policy")).get("maxmemory-policy", "noeviction")
            except redis.ResponseError:
                continue  # Managed servers often forbid CONFIG GET.
            policy = found.decode() if isinstance(found, bytes) else found
            if policy != "noeviction":
                advice = "set maxmemory-policy noeviction, or queued jobs may vanish."
                problems[f"Redis evicts ({policy}): {advice}"] = None
    finally:
        await lanes.aclose()
    return list(problems)


def check_secret(config: Config) -> list[str]:
    """Return the problems with the signing secret."""
    if len(config.jwt_secret.encode()) < MIN_SECRET_BYTES:
        return [f"JWT_SECRET needs {MIN_SECRET_BYTES} bytes: try `openssl rand -base64 48`."]
    return []


def check_mail(config: Config) -> list[str]:
    """Return the problems with the mail settings."""
    return [f"{problem}." for problem in config.find_mail_problems()]


def check_push(config: Config) -> list[str]:
    """Return the problems with the settings of Web Push."""
    if not config.vapid_private_key or config.development:
        return []
    if choose_subject(config) == DEFAULT_SUBJECT:
        return ["push services ask for an address of whoever sends: set MAIL_FROM, or a PUBLIC_URL of https."]
    return []


def check_registration(config: Config) -> list[str]:
    """Return a problem if REGISTRATION requires mail or a provider and neither is set."""
    if config.registers in ("verified", "invite") and not config.sends_mail and not list(Providers(config)):
        wants = f"REGISTRATION is {config.registers}, which needs mail or a provider to sign in with"
        return [f"{wants}: set SMTP_URL, or REGISTRATION=open."]
    return []


def check_oauth(config: Config) -> list[str]:
    """Return the problems with the sign-in providers."""
    problems = []
    for kind in NAMES:
        given = {part: bool(getattr(config, f"oauth_{kind}_{part}")) for part in ("id", "secret")}
        if kind not in HOMES:
            given["issuer"] = bool(getattr(config, f"oauth_{kind}_issuer"))
        missing = [f"OAUTH_{kind}_{part}".upper() for part, there in given.items() if not there]
        if missing and any(given.values()):
            problems.append(f"{', '.join(missing)} is not set: {NAMES[kind]} cannot be used.")
        if not missing and not config.public_url and not config.development:
            problems.append(f"PUBLIC_URL is not set: {NAMES[kind]} cannot send anybody back.")
    return problems


def check_storage(config: Config) -> list[str]:
    """Return a problem if MEDIA_ROOT is not writable: all uploads pass through it, even with Cloudinary."""
    try:
        config.incoming_path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=config.incoming_path):
            return []
    except OSError as error:
        return [f"cannot write to {config.media_path} (MEDIA_ROOT): {error.strerror}."]


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the API key must go only to the configured address."""

    def redirect_request(self, *answer: Any) -> None:
        """Return None, so that urllib raises HTTPError for a redirect."""


ASKED_DIRECTLY = urllib.request.build_opener(NoRedirects, urllib.request.ProxyHandler({}))


def check_assistant(config: Config) -> list[str]:
    """Return a problem if the language model does not answer; empty if AI_BASE_URL is not set."""
    if not config.ai_base_url:
        return []
    key = {"Authorization": f"Bearer {config.ai_api_key}"} if config.ai_api_key else {}
    request = urllib.request.Request(f"{config.ai_base_url}/models", headers=key)  # noqa: S310 - the operator's
    try:
        with ASKED_DIRECTLY.open(request, timeout=5):
            return []
    except urllib.error.HTTPError as error:
        # Not every provider lists its models, but each answers 401 or 403 to a wrong key.
        wrong = error.code in (401, 403)
        return [f"the language model answers {error.code}: see AI_API_KEY."] if wrong else []
    except OSError as error:
        return [f"the language model at AI_BASE_URL cannot be reached: {type(error).__name__}."]


def check_git(config: Config) -> list[str]:
    """Return a problem if git cannot sync linked repositories on this machine."""
    problem = find_problem(read_version())
    return [f"{problem}: linked repositories are synced where workers have it."] if problem else []


def check_worker(config: Config) -> list[str]:
    """Return a problem if no worker was seen in the last 15 seconds."""

    async def count() -> int:
        database = Database(config, application="nexcorp doctor")
        await database.open()
        try:
            async with database.connection(wait=5.0) as conn:
                live: int = await sql.events.count_live_workers(conn)
                return live
        finally:
            await database.close()

    if not config.database_url or asyncio.run(count()):
        return []
    return ["no worker was seen in the last 15 seconds: run `nexcorp worker`."]


CHECKS: dict[str, Callable[[Config], list[str]]] = {
    "secret": check_secret,
    "mail": check_mail,
    "push": check_push,
    "registration": check_registration,
    "postgresql": check_database,
    "replica": check_replica,
    "redis": check_redis,
    "oauth": check_oauth,
    "storage": check_storage,
    "assistant": check_assistant,
    "git": check_git,
    "extras": find_missing,
    "worker": check_worker,
}


def diagnose() -> int:
    """Print settings, versions and problems; return 0 if there are no problems, else 1."""
    try:
        config = Config.from_env()
    except ConfigError as error:
        print(f"settings    WRONG  {error}")
        return 1
    for item in fields(config):
        name, value = item.metadata["name"], getattr(config, item.name)
        source = "environment" if setting(name) else "default"
        shown = show_setting(name, value, item.metadata["secret"])
        print(f"{name:<26} {shown:<44} {source:<12} {item.metadata['about']}")
    packages = ("aiohttp", "asyncpg", "redis", "saq", "uvloop")
    versions = [f"{name} {metadata.version(name)}" for name in packages]
    if git := read_version():
        versions.append(f"git {'.'.join(map(str, git))}")
    print("\n" + ", ".join(versions) + "\n")
    sick = False
    for name, check in CHECKS.items():
        try:
            problems = check(config)
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            problems = [f"cannot be checked: {type(error).__name__}: {first}"]
        sick = sick or bool(problems)
        print(f"{name:<14}{'ok' if not problems else 'WRONG'}")
        for problem in problems:
            print(f"{'':14}{problem}")
    if not config.ai_base_url:
        print("\nThe assistant is off: AI_BASE_URL is not set.")
    if not config.vapid_private_key:
        print("\nWeb Push is off: VAPID_PRIVATE_KEY is not set; `nexcorp doctor --vapid` makes a key.")
    return 1 if sick else 0


def print_vapid() -> int:
    """Print a new private key of Web Push as the line that sets it. Browsers get the public key by HTTP."""
    text = make_private_key()
    print(f"# The key of Web Push; the public one is {Vapid(read_private_key(text)).public}")
    print(f"VAPID_PRIVATE_KEY={text}")
    return 0

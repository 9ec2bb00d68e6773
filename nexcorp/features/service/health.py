"""Health and readiness checks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from aiohttp import web
from redis.exceptions import RedisError

from nexcorp.db import sql
from nexcorp.db.migrations import list_files
from nexcorp.db.schema_files import list_digests
from nexcorp.errors import AppError
from nexcorp.features.service.shared import READINESS
from nexcorp.realtime.node import NODE
from nexcorp.security.app_keys import database
from nexcorp.web.reading import READS
from nexcorp.web.replies import reply

CHECK_SECONDS = 2.0
REPLICA = "replica"


async def show_health(request: web.Request) -> web.Response:
    """Answer that the process is alive, without checking anything else."""
    return reply({"status": "ok"})


async def check_database(request: web.Request) -> str | None:
    """Ping PostgreSQL; raise an error if it cannot be used, else return None."""
    async with database(request).connection(wait=CHECK_SECONDS) as conn:
        await sql.service.ping(conn)
    return None


async def check_migrations(request: web.Request) -> str | None:
    """Return a reason if migrations or files of sql/schema are missing or differ, else None.

    Migrations of a newer release are ignored: they stay compatible with this release.
    """
    async with database(request).connection(wait=CHECK_SECONDS) as conn:
        applied = {row["id"] for row in await sql.service.list_applied_migrations(conn)}
        texts = {(row["name"], row["sha256"]) for row in await sql.service.list_applied_schema(conn)}
    missing = sorted(list_files().keys() - applied)
    missing += [f"schema/{name}" for name, digest in list_digests().items() if (name, digest) not in texts]
    return f"not applied: {', '.join(missing)}" if missing else None


async def check_worker(request: web.Request) -> str | None:
    """Return a reason if no worker was seen lately, else None."""
    async with database(request).connection(wait=CHECK_SECONDS) as conn:
        live = await sql.events.count_live_workers(conn)
    return None if live else "no worker was seen in the last 15 seconds"


async def check_redis(request: web.Request) -> str | None:
    """Ping Redis; raise an error if it cannot be used, else return None."""
    await request.app[NODE].redis.ping()
    return None


async def run_check(check: Awaitable[str | None]) -> str | None:
    """Run a check; return None if it passes, else the reason."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check
    except AppError as error:
        return error.message
    except TimeoutError:
        return "does not answer"
    except (RedisError, OSError) as error:
        return type(error).__name__
    except Exception as error:
        return f"failed: {type(error).__name__}"


def describe(problem: str | None) -> dict[str, Any]:
    """Return a check's result as clients see it."""
    return {"ok": problem is None, **({"reason": problem} if problem else {})}


async def check_all(request: web.Request) -> dict[str, Any]:
    """Return the state of every dependency, by its name."""
    checks: dict[str, Awaitable[str | None]] = {
        "postgresql": check_database(request),
        "migrations": check_migrations(request),
        "redis": check_redis(request),
        "worker": check_worker(request),
    }
    results = await asyncio.gather(*(run_check(check) for check in checks.values()))
    state = {name: describe(problem) for name, problem in zip(checks, results, strict=True)}
    reads = request.app.get(READS)
    if reads is not None:
        state[REPLICA] = describe(reads.replica.problem)
    return state


async def show_readiness(request: web.Request) -> web.Response:
    """Answer 200 if every dependency can be used, else 503 with the failed ones."""
    state = dict(await request.app[READINESS].get(request))
    if request.app[NODE].draining:
        state["process"] = {"ok": False, "reason": "stopping"}
    # While the replica is down, reads go to the primary.
    ready = all(check["ok"] for name, check in state.items() if name != REPLICA)
    headers = {} if ready else {"Retry-After": "1"}
    return reply(
        {"status": "ready" if ready else "not_ready", "checks": state}, 200 if ready else 503, headers
    )

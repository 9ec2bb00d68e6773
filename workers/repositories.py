"""Syncs linked repositories into rows: each when its time has come, by one worker at a time.

A run needs nothing from the one before: the claim of a killed worker runs out, and its cache may be broken or
gone. A run writes in one transaction, which commits only while its claim holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from nexcorp.config import Config
from nexcorp.db import Database, sql
from nexcorp.domain.repositories import REASONS, bind_token
from nexcorp.errors import AppError
from nexcorp.integrations.git import MAX_BRANCHES, Git
from nexcorp.integrations.git_commands import GitFailed, find_problem, read_version
from nexcorp.integrations.outbound import Refused
from nexcorp.logs import seldom
from nexcorp.security.secrets import Secrets
from nexcorp.security.vault import unseal
from workers import POOL_WAIT_SECONDS
from workers.metrics import SYNC_SECONDS, SYNCS
from workers.repositories_record import ClaimLost, add, finish, tell

log = structlog.get_logger("nexcorp.repositories")

REST_SECONDS = 1.0
LEASE_SECONDS = 60.0
SWEEP_SECONDS = 3600.0
# Slow remotes hold up only a few others; the limit on writing leaves connections to delivery.
ABREAST, WRITTEN_ABREAST = 6, 2


def make_syncer(config: Config, database: Database) -> Syncer:
    """Return the syncer of a worker, with its cache in NEXCORP_HOME."""
    folder = Path(config.home).expanduser().absolute() / "repositories"
    return Syncer(database, Git(folder, config.outbound_allow), Secrets.from_config(config))


class Syncer:
    """Syncs repositories, in one worker process."""

    def __init__(
        self, database: Database, git: Git, secrets: Secrets, *, lease: float = LEASE_SECONDS
    ) -> None:
        self.database, self.git, self.secrets, self.lease = database, git, secrets, lease
        self._closing = False
        self._running: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Semaphore(WRITTEN_ABREAST)

    async def start_due(self) -> int:
        """Start due syncs, up to ABREAST at once; return how many were started."""
        if self._closing or len(self._running) >= ABREAST:
            return 0
        async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            rows = await sql.repositories.claim_due(
                conn, lease_seconds=self.lease, most=ABREAST - len(self._running)
            )
        for row in rows:
            task = asyncio.create_task(self._run(row))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(rows)

    async def rest(self, begun: int) -> None:
        """Wait until a sync ends if more may be due, at most REST_SECONDS; else for REST_SECONDS."""
        if self._running and (begun or len(self._running) >= ABREAST):
            await asyncio.wait(self._running, timeout=REST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(REST_SECONDS)

    async def drain(self) -> int:
        """Sync everything due; return how many repositories."""
        done = 0
        while begun := await self.start_due():
            done += begun
            await asyncio.gather(*self._running)
        return done

    async def close(self) -> None:
        """Claim no more, and give back the repositories that are being synced."""
        self._closing = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def sweep(self) -> None:
        """Delete caches of repositories that are no longer linked."""
        names = await asyncio.to_thread(list_folders, self.git.folder)
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            known = {
                str(row["id"])
                for row in await sql.repositories.list_known(conn, ids=[UUID(n) for n in names])
            }
        for name in names:
            if name not in known:
                await self.git.forget(name)

    async def _run(self, row: Any) -> None:
        work = asyncio.create_task(self._try(row))
        try:
            while not (await asyncio.wait([work], timeout=self.lease / 3))[0]:
                try:
                    async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                        held = await sql.repositories.extend_claim(
                            conn, repository_id=row["id"], claim=row["claim"], lease_seconds=self.lease
                        )
                except AppError:
                    continue
                if not held:
                    work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            with contextlib.suppress(AppError):
                async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
                    await sql.repositories.release_claim(conn, repository_id=row["id"], claim=row["claim"])
            raise

    async def _try(self, row: Any) -> None:
        began = time.monotonic()
        try:
            try:
                result = await self._sync(row)
            except Refused as refusal:
                result = await self._fail(row, refusal.code)
            except GitFailed as error:
                result = await self._fail(row, error.reason)
            SYNCS.labels(result).inc()
            SYNC_SECONDS.observe(time.monotonic() - began)
        except ClaimLost:
            SYNCS.labels("lost").inc()
            log.info("a sync was overtaken", repository=str(row["id"]))
        except AppError as error:
            # The claim runs out by itself.
            if seldom(f"repositories {error.code}"):
                log.warning("repositories wait to be synced", reason=error.code)
        except Exception as error:
            # Without its text and traceback: they may hold text of strangers.
            log.error("a sync failed", repository=str(row["id"]), error=type(error).__name__)
            with contextlib.suppress(AppError, ClaimLost):
                SYNCS.labels(await self._fail(row, "git_failed")).inc()

    async def _sync(self, row: Any) -> str:
        """Ask the remote, fetch, and write what has changed; return the result for the metric."""
        token = None
        if row["token"] is not None:
            try:
                text, _ = unseal(self.secrets, row["token"], bind_token(row["id"], row["url"]))
                token = text.decode()
            except ValueError:
                raise GitFailed("auth_failed") from None
        refs = await self.git.list_refs(row["url"], token)
        branch = row["branch"] or refs.default
        heads = dict(sorted(refs.heads.items())[:MAX_BRANCHES])
        # It had branches before and has none now: the server may not be the repository.
        if branch not in refs.heads and (refs.heads or row["branch"] or row["head"]):
            raise GitFailed("branch_gone")
        new = refs.heads.get(branch or "")
        old = row["head"].hex() if row["head"] is not None else None
        if new is None or branch is None or new == old:
            same = heads == row["refs"] and row["status"] == "synced"
            await self._finish(row, branch, old, heads, row["last_n"], quiet=same)
            return "unchanged"
        async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            if not await sql.repositories.begin_sync(conn, repository_id=row["id"], claim=row["claim"]):
                raise ClaimLost
            await tell(conn, row, "repository.started", {})
        name = str(row["id"])
        new = await self.git.fetch(name, row["url"], branch, token)
        known = old if old is not None and await self.git.has_commit(name, old) else None
        await self._store(row, branch, new, heads, known)
        return "synced"

    async def _store(self, row: Any, branch: str, new: str, heads: dict[str, str], known: str | None) -> None:
        """Write new and lost commits. `known`: the head before, if the cache has it to compare."""
        name, first, last = str(row["id"]), row["last_n"], row["last_n"]
        lost = await self.git.list_lost(name, known, new) if known is not None else []
        async with contextlib.aclosing(self.git.read_log(name, new, known)) as batches:
            # Git walks through a whole history before its first output: do not hold a transaction for that.
            commits = await anext(batches, None)
            async with self._writing, self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
                while commits is not None:
                    if not await sql.repositories.holds_claim(
                        conn, repository_id=row["id"], claim=row["claim"]
                    ):
                        raise ClaimLost
                    await add(conn, row["id"], last, commits)
                    last += len(commits)
                    commits = await anext(batches, None)
                if known is None:
                    gone = await sql.repositories.lose_older(conn, repository_id=row["id"], last_n=first)
                else:
                    gone = await sql.repositories.lose_commits(conn, repository_id=row["id"], shas=lost)
                await finish(conn, row, branch, new, heads, last, changed=True)
                await tell(conn, row, "repository.synced", {"added": last - first, "gone": gone or 0})

    async def _finish(
        self, row: Any, branch: str | None, head: str | None, heads: dict[str, str], last: int, *, quiet: bool
    ) -> None:
        """Record a sync without anything to fetch."""
        async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            await finish(conn, row, branch, head, heads, last, changed=False)
            if not quiet:
                await tell(conn, row, "repository.synced", {"added": 0, "gone": 0})

    async def _fail(self, row: Any, reason: str) -> str:
        """Record a failure; return its reason, for the metric."""
        message, target = REASONS[reason], None
        if reason == "redirected":
            target = await self.git.find_target(row["url"])
        if target is not None:
            message = (
                f"The host sends to {target}, which is not followed: link that, if it is the one you mean."
            )
        async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            failed = await sql.repositories.fail_sync(
                conn,
                repository_id=row["id"],
                claim=row["claim"],
                reason=reason,
                message=message,
                moved_to=target,
            )
            if failed is None:
                raise ClaimLost
            payload = {"reason": reason, "failures": failed["failures"], "isNews": failed["isNews"]}
            await tell(conn, row, "repository.failed", payload)
        return reason


def list_folders(folder: Path) -> list[str]:
    """Return the names of caches; blocks."""
    found = []
    for entry in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(ValueError):
            found.append(str(UUID(entry.name)))
    return found


async def poll_syncer(syncer: Syncer) -> None:
    """Sync due repositories, even without Redis; runs until cancelled. Waits for a git that is safe."""
    swept = time.monotonic()
    while problem := find_problem(await asyncio.to_thread(read_version)):
        if seldom("repositories without git"):
            log.warning("repositories wait to be synced", reason=problem)
        await asyncio.sleep(REST_SECONDS * 60)
    while True:
        begun = 0
        try:
            begun = await syncer.start_due()
            if time.monotonic() - swept > SWEEP_SECONDS:
                swept = time.monotonic()
                await syncer.sweep()
        except AppError as error:
            if seldom(f"repositories {error.code}"):
                log.warning("repositories wait to be synced", reason=error.code)
        except Exception as error:
            log.error("syncing failed", error=type(error).__name__)
        await syncer.rest(begun)

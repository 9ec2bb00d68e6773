"""The queue of mails: each is sent at least once, whatever dies in between.

A mail is claimed for two minutes, gets its token, is handed over, and is marked as sent, each step committed
before the next. If a worker dies, its mails stay claimed; another worker then starts over.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from hashlib import sha256
from typing import Any

import structlog

from nexcorp.db import Database, sql
from nexcorp.errors import AppError, Unavailable
from nexcorp.integrations.mail import Mailer
from nexcorp.integrations.mail_messages import MailError, MailRefused
from nexcorp.integrations.mail_texts import TEXTS, write_mail
from nexcorp.logs import seldom
from workers import POOL_WAIT_SECONDS
from workers.metrics import MAILS

log = structlog.get_logger("nexcorp.mail")

# Mails sent at once, and so claimed at a time.
BATCH = 5
MAX_ATTEMPTS = 10
TOKEN_BYTES = 32
POLL_SECONDS = 5.0
# A batch that starts within this time ends within the job's time-out.
DRAIN_SECONDS = 45.0
OBSOLETE = "the account has changed since"


class MailQueue:
    """Sends the queued mails of one worker process. Without a `mailer` they stay queued."""

    def __init__(self, database: Database, mailer: Mailer | None, base_url: str) -> None:
        self.database, self.mailer, self.base_url = database, mailer, base_url
        self._draining = False
        self._again = False

    async def drain(self, seconds: float = math.inf) -> int:
        """Send until nothing is due, or for `seconds`; return how many mails were tried.

        If a drain is running, return 0; it makes another pass.
        """
        if self.mailer is None:
            return 0
        if self._draining:
            self._again = True
            return 0
        self._draining, tried = True, 0
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._again = False
                rows = await self.send_batch(self.mailer)
                tried += rows
                if (not rows and not self._again) or time.monotonic() >= deadline:
                    return tried
        finally:
            self._draining = False

    async def send_batch(self, mailer: Mailer) -> int:
        """Claim and send up to BATCH mails at once; return how many were claimed."""
        async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            rows = await sql.mails.claim_mails(conn, most=BATCH)
        results = await asyncio.gather(*(self.send(mailer, row) for row in rows), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(rows)

    async def send(self, mailer: Mailer, row: Any) -> None:
        """Send one claimed mail and record the outcome."""
        token = secrets.token_urlsafe(TOKEN_BYTES) if TEXTS[row["kind"]].needs_token else None
        if not await self.prepare(row, token):
            return
        values = {"name": row["name"], **row["data"]}
        try:
            mail = write_mail(
                str(row["id"]), row["kind"], row["address"], values, base=self.base_url, token=token
            )
            await mailer.send(mail)
        except MailRefused as error:
            log.warning("mail refused", mail=str(row["id"]), kind=row["kind"])
            await self.record(sql.mails.give_up_mail, mail_id=row["id"], last_error=str(error))
            MAILS.labels("refused").inc()
            return
        except Exception as error:
            # Only the type of an unexpected error: its text may quote the mail.
            reason = str(error) if isinstance(error, MailError) else type(error).__name__
            final = await self.record(
                sql.mails.postpone_mail, mail_id=row["id"], last_error=reason, most_attempts=MAX_ATTEMPTS
            )
            log.warning("mail given up" if final else "mail postponed", mail=str(row["id"]), kind=row["kind"])
            MAILS.labels("failed").inc()
            return
        await self.record(sql.mails.mark_sent, mail_id=row["id"])
        MAILS.labels("sent").inc()

    async def prepare(self, row: Any, token: str | None) -> bool:
        """Store the token's hash; return False if the mail must not be sent any more."""
        async with self.database.transaction(wait=POOL_WAIT_SECONDS) as conn:
            # Lock the account first, in the same order as changing or deleting it.
            await sql.mails.lock_receiver(conn, user_id=row["user_id"])
            state = await sql.mails.lock_mail(conn, mail_id=row["id"])
            if state is None:
                return False
            if not state["fits"]:
                await sql.mails.give_up_mail(conn, mail_id=row["id"], last_error=OBSOLETE)
                return False
            if token is not None:
                await sql.account_tokens.insert_token(
                    conn,
                    token_hash=sha256(token.encode()).digest(),
                    user_id=row["user_id"],
                    purpose=row["kind"],
                    email=row["address"],
                )
        return True

    async def record(self, statement: Any, **arguments: Any) -> Any:
        """Run a statement that records the outcome of a mail."""
        async with self.database.connection(wait=POOL_WAIT_SECONDS) as conn:
            return await statement(conn, **arguments)


async def send_mails(ctx: Any) -> int:
    """Send due mails now instead of at the next poll; return how many were tried."""
    try:
        tried: int = await ctx["mails"].drain(DRAIN_SECONDS)
    except Unavailable as error:
        # The poll goes on trying.
        log.warning("mails wait", reason=error.code)
        return 0
    return tried


async def poll_mails(mails: MailQueue, seconds: float = POLL_SECONDS) -> None:
    """Send due mails every few seconds, even without Redis; runs until cancelled."""
    while True:
        try:
            await mails.drain()
        except AppError as error:
            if seldom(f"mails {error.code}"):
                log.warning("mails wait", reason=error.code)
        except Exception as error:
            # Without its text and traceback: they may hold parts of a mail.
            log.error("mails failed", error=type(error).__name__)
        await asyncio.sleep(seconds)

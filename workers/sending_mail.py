"""Mails of notifications: single ones, bundles, and digests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from nexcorp.db import Database, sql
from nexcorp.integrations.mail import AddressRefused, FolderMailer, Mailer, SmtpLine
from nexcorp.integrations.mail_messages import Mail, MailError, MailRefused, host_of
from nexcorp.integrations.notice_texts import DIGESTS, write_bundle, write_notice
from nexcorp.manifest import Product
from nexcorp.security.unsubscribing import EVERY_TYPE, write_token
from workers import POOL_WAIT_SECONDS
from workers.sending import Message, Outcome

log = structlog.get_logger("nexcorp.mail")

# Connections to the mail server; each sends one mail at a time.
LINES = 4
POLL_SECONDS = 2.0
DIGESTS_AT_ONCE = 100
BOUNCED = "bounced"


class MailChannel:
    """Mail through `mailer`.

    `base_url`: the public address of the service; `key` signs the links that end mails.
    """

    name = "email"
    most = 64
    rest = POLL_SECONDS

    def __init__(self, mailer: Mailer, product: Product, base_url: str, key: bytes) -> None:
        self.sentences, self.base_url, self.key = product.sentences, base_url, key
        self.host = host_of(mailer.sender)
        types = list(product.notice_types.values())
        self._types, self._criticals = [one.name for one in types], [one.critical for one in types]
        self._lines: asyncio.Queue[SmtpLine | FolderMailer] = asyncio.Queue()
        for _ in range(LINES):
            self._lines.put_nowait(mailer.open_line())

    async def begin(self, database: Database) -> None:
        """Make the due digests: this makes their notifications due."""
        while True:
            async with database.transaction(wait=POOL_WAIT_SECONDS, by_index=True) as conn:
                made = await sql.deliveries.make_digests(
                    conn, most=DIGESTS_AT_ONCE, types=self._types, criticals=self._criticals
                )
            if made < DIGESTS_AT_ONCE:
                return

    async def prepare(self, database: Database, messages: Sequence[Message]) -> None:
        """Do nothing: claimed rows have everything that a mail needs."""

    @asynccontextmanager
    async def turn(self, message: Message) -> AsyncIterator[SmtpLine | FolderMailer]:
        """A connection to the mail server."""
        line = await self._lines.get()
        try:
            yield line
        finally:
            self._lines.put_nowait(line)

    async def send(self, message: Message, held: SmtpLine | FolderMailer) -> Outcome:
        """Send the mail to the mail server."""
        try:
            await held.send(self.write(message))
        except AddressRefused as error:
            return Outcome("refused", error.code, BOUNCED)
        except MailRefused as error:
            return Outcome("refused", error.code)
        except MailError as error:
            return Outcome("failed", error.code)
        return Outcome("sent")

    async def follow(self, database: Database, message: Message, outcome: Outcome) -> None:
        """If the server does not know the address, note it: it gets no more mail."""
        if outcome.reason == BOUNCED:
            log.warning("an address is refused", user=str(message.user_id))
            async with database.transaction(wait=POOL_WAIT_SECONDS) as conn:
                await sql.deliveries.note_bounce(
                    conn, user_id=message.user_id, address=message.first["_address"]
                )

    def write(self, message: Message) -> Mail:
        """Return the mail of a message."""
        row = message.first
        several = [self.sentences.show(one) for one in message.rows]
        common: dict[str, Any] = {"address": row["_address"], "base": self.base_url, "host": self.host}
        if message.bundle is None:
            link = None if row["_critical"] else self.link(message, row["type"])
            return write_notice(several[0], why=row["_why"], unsubscribe=link, **common)
        types = {one["type"] for one in several}
        is_digest = message.bundle.partition(".")[0] in DIGESTS
        type = types.pop() if len(types) == 1 and not is_digest else EVERY_TYPE
        return write_bundle(
            message.bundle, several, type=type, unsubscribe=self.link(message, type), **common
        )

    def link(self, message: Message, type: str) -> str:
        """Return the link by which the receiver ends mails of a type."""
        return f"{self.base_url}/unsubscribe?token={write_token(self.key, message.user_id, type)}"

    async def close(self) -> None:
        """Close the connections to the mail server."""
        while not self._lines.empty():
            await self._lines.get_nowait().close()

"""Mail: to an SMTP server, or in development to a folder."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from nexcorp.config import Config
from nexcorp.integrations.mail_messages import Mail, MailError, MailRefused, address_of, compose

log = structlog.get_logger("nexcorp.mail")

CONNECT_SECONDS = 15.0
# Well within the two minutes for which a worker has a mail to itself.
SEND_SECONDS = 60.0
# Servers close a connection that is idle, or that had many mails.
IDLE_SECONDS = 5.0
MAILS_A_LINE = 100
QUIT_SECONDS = 2.0
# The sender, the size, the dialogue, the content or a policy is refused, and not the mailbox (RFC 3463). Some
# servers say at RCPT what they have against the sender.
NOT_OF_MAILBOX = re.compile(r"5\.(1\.[78]\b|2\.3\b|[3567]\.)")
# Answers below are of the dialogue: no sign-in, no such command.
OF_MAILBOX = 550
DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
DEFAULT_FROM = "NexCorp Connect <connect@localhost>"


class AddressRefused(MailRefused):
    """There is no such mailbox, says its server; the next mail would be refused as well."""


async def hand_over(client: aiosmtplib.SMTP, sender: str, address: str, message: bytes) -> None:
    """Send a message."""
    own = address_of(sender)
    options = [] if address.isascii() and own.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
    await client.sendmail(own, address, message, mail_options=options)


class SmtpLine:
    """A connection to a mail server for one mail after the other; made when there is something to send."""

    def __init__(self, options: dict[str, Any], sender: str) -> None:
        """`options`: of aiosmtplib.SMTP."""
        self._options, self._sender = options, sender
        self._client: aiosmtplib.SMTP | None = None
        self._sent, self._used = 0, 0.0

    async def send(self, mail: Mail) -> None:
        """Hand a mail over to the server; raises MailRefused or MailError."""
        message = compose(mail, self._sender)
        if self._client and (self._sent >= MAILS_A_LINE or time.monotonic() > self._used + IDLE_SECONDS):
            await self.close()
        whole = False
        try:
            async with asyncio.timeout(SEND_SECONDS):
                client = await self._connect()
                await hand_over(client, self._sender, mail.address, message)
            whole = True
        except aiosmtplib.SMTPRecipientsRefused as error:
            whole = True
            raise judge_recipient(error.recipients[0].code, error.recipients[0].message) from None
        except aiosmtplib.SMTPDataError as error:
            whole = True
            # Without what the server says: it may quote the mail, and the mail holds a token.
            kind = MailRefused if error.code >= 500 else MailError
            raise kind(f"data: {error.code}", str(error.code)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise MailError(f"{type(error).__name__}: {error.code}", str(error.code)) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailError(type(error).__name__, type(error).__name__) from None
        finally:
            self._sent, self._used = self._sent + 1, time.monotonic()
            if not whole:
                self._drop()

    async def _connect(self) -> aiosmtplib.SMTP:
        if self._client is None:
            self._sent, self._client = 0, aiosmtplib.SMTP(**self._options)
            await self._client.connect()
        return self._client

    def _drop(self) -> None:
        """Forget a connection whose state is not known."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def close(self) -> None:
        """Take leave of the server; what goes wrong with that is of no account."""
        if self._client is not None:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(QUIT_SECONDS):
                    await self._client.quit()
            self._drop()


def judge_recipient(code: int, said: str) -> MailError:
    """What the answer to an address comes to."""
    reason = f"recipient: {code} {said}"[:300]
    if code < 500:
        return MailError(reason, str(code))
    ours = code < OF_MAILBOX or NOT_OF_MAILBOX.match(said) is not None
    return (MailRefused if ours else AddressRefused)(reason, str(code))


class SmtpMailer:
    """Sends through the server of SMTP_URL."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self.sender = sender
        self._options: dict[str, Any] = {
            "hostname": parts.hostname or "localhost",
            "port": parts.port or DEFAULT_PORTS[parts.scheme],
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": parts.scheme == "smtps",
            "start_tls": parts.scheme == "smtp+starttls",
            "timeout": CONNECT_SECONDS,
        }

    def open_line(self) -> SmtpLine:
        """A connection for many mails, to be closed by the caller."""
        return SmtpLine(self._options, self.sender)

    async def send(self, mail: Mail) -> None:
        """Send one mail by a connection of its own; raises MailRefused or MailError."""
        line = self.open_line()
        try:
            await line.send(mail)
        finally:
            await line.close()


class FolderMailer:
    """In development: each mail is a file, and a line in the log that its reader can click."""

    def __init__(self, folder: Path, sender: str) -> None:
        self.folder, self.sender = folder, sender

    def open_line(self) -> FolderMailer:
        """As SmtpMailer has it."""
        return self

    async def close(self) -> None:
        """As SmtpLine has it."""

    async def send(self, mail: Mail) -> None:
        """Write the mail to `<id>.eml`; raises MailRefused or MailError."""
        message = compose(mail, self.sender)
        path = self.folder / f"{mail.id}.eml"
        try:
            await asyncio.to_thread(self.write, path, message)
        except OSError as error:
            raise MailError(f"{type(error).__name__}: {self.folder}") from None
        log.info("mail", to=mail.address, subject=mail.subject, link=mail.link, file=str(path))

    def write(self, path: Path, content: bytes) -> None:
        """Write a file that only its owner may read."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)


Mailer = SmtpMailer | FolderMailer


def make_mailer(config: Config) -> Mailer | None:
    """What sends mails under these settings; None where nothing does."""
    sender = config.mail_from or DEFAULT_FROM
    if config.smtp_url:
        return SmtpMailer(config.smtp_url, sender)
    if config.development:
        return FolderMailer(Path(config.home).expanduser() / "mail", sender)
    return None

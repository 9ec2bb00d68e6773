"""Sending mail: to an SMTP server, or in development to a folder."""

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
# Well within the two minutes of a worker's lease of a mail.
SEND_SECONDS = 60.0
# Servers close connections that are idle or have sent many mails.
IDLE_SECONDS = 5.0
MAILS_A_LINE = 100
QUIT_SECONDS = 2.0
# Refusals of the sender, the size, the dialogue, the content or by policy, not of the mailbox (RFC 3463).
# Some servers refuse the sender only at RCPT.
NOT_OF_MAILBOX = re.compile(r"5\.(1\.[78]\b|2\.3\b|[3567]\.)")
# Lower codes concern the dialogue: no sign-in, no such command.
OF_MAILBOX = 550
DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
DEFAULT_FROM = "NexCorp Connect <connect@localhost>"


class AddressRefused(MailRefused):
    """The server says that the mailbox does not exist; later mails would be refused as well."""


async def hand_over(client: aiosmtplib.SMTP, sender: str, address: str, message: bytes) -> None:
    """Send a message by an open connection."""
    own = address_of(sender)
    options = [] if address.isascii() and own.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
    await client.sendmail(own, address, message, mail_options=options)


class SmtpLine:
    """A connection to a mail server for several mails; opened at the first mail."""

    def __init__(self, options: dict[str, Any], sender: str) -> None:
        """`options`: keyword arguments of aiosmtplib.SMTP."""
        self._options, self._sender = options, sender
        self._client: aiosmtplib.SMTP | None = None
        self._sent, self._used = 0, 0.0

    async def send(self, mail: Mail) -> None:
        """Send a mail to the server; raises MailRefused or MailError."""
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
            # Without the server's text: it may quote the mail, which holds a token.
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
        """Close a connection in an unknown state."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def close(self) -> None:
        """Quit and close the connection; errors of quitting are ignored."""
        if self._client is not None:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(QUIT_SECONDS):
                    await self._client.quit()
            self._drop()


def judge_recipient(code: int, said: str) -> MailError:
    """Return the error for a refused recipient."""
    reason = f"recipient: {code} {said}"[:300]
    if code < 500:
        return MailError(reason, str(code))
    ours = code < OF_MAILBOX or NOT_OF_MAILBOX.match(said) is not None
    return (MailRefused if ours else AddressRefused)(reason, str(code))


class SmtpMailer:
    """Sends mail through the server of SMTP_URL."""

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
        """Return a connection for several mails; the caller closes it."""
        return SmtpLine(self._options, self.sender)

    async def send(self, mail: Mail) -> None:
        """Send one mail by its own connection; raises MailRefused or MailError."""
        line = self.open_line()
        try:
            await line.send(mail)
        finally:
            await line.close()


class FolderMailer:
    """The mailer of development: writes each mail to a file, and its link to the log."""

    def __init__(self, folder: Path, sender: str) -> None:
        self.folder, self.sender = folder, sender

    def open_line(self) -> FolderMailer:
        """See SmtpMailer."""
        return self

    async def close(self) -> None:
        """See SmtpLine."""

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
    """Return the mailer of these settings, or None."""
    sender = config.mail_from or DEFAULT_FROM
    if config.smtp_url:
        return SmtpMailer(config.smtp_url, sender)
    if config.development:
        return FolderMailer(Path(config.home).expanduser() / "mail", sender)
    return None

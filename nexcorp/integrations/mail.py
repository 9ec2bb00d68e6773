"""Mail: to an SMTP server, or in development to a folder."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import html
import re
import time
import unicodedata
from base64 import b64encode
from binascii import b2a_qp
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aiosmtplib
import structlog

from nexcorp.config import Config

log = structlog.get_logger("nexcorp.mail")

CONNECT_SECONDS = 15.0
# Well within the two minutes for which a worker has a mail to itself.
SEND_SECONDS = 60.0
# Servers close a connection that is idle, or that had many mails.
IDLE_SECONDS = 5.0
MAILS_A_LINE = 100
QUIT_SECONDS = 2.0
# 5.7.1 and the like: the server's policy or its settings refuse us, and not the mailbox.
OF_POLICY = re.compile(r"5\.7\.")
MAX_SUBJECT_CHARS = 150
DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
DEFAULT_FROM = "NexCorp Connect <connect@localhost>"

PAGE = """\
<!doctype html>
<html lang="en">
<body style="font: 16px/1.5 sans-serif; color: #1a2233">
{paragraphs}
</body>
</html>
"""
PARAGRAPH = "<p>{text}</p>"
LINK = '<p><a href="{link}">{label}</a></p>'
ITEM = '<p><a href="{link}"><b>{title}</b></a><br>{text}</p>'
NOTE = '<p style="font-size: 13px; color: #667">{text}</p>'
ANCHOR = '<a href="{link}">{text}</a>'
PARTS = """\
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="{boundary}"

--{boundary}
{plain}
--{boundary}
{page}
--{boundary}--
"""
# Addresses that need no closer look than that; quotes, comments and the like do.
PLAIN_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f<>()\[\]\\,;:\"@]+@[^\s\x00-\x1f\x7f<>()\[\]\\,;:\"@]+\Z")
MAX_LINE_CHARS = 900
# What an encoded word of RFC 2047, which is at most 75 characters long, has room for.
WORD_BYTES = 45
LINE_BREAK = re.compile(r"\r\n|\r|\n")
# Joiners hold emoji and words together.
JOINERS = "\u200c\u200d"


class MailError(Exception):
    """It was not sent. The text says why, without anything of the mail's own text; `code` in a word."""

    def __init__(self, reason: str, code: str = "error") -> None:
        super().__init__(reason)
        self.code = code


class MailRefused(MailError):
    """It was not sent, and will not be however often it is tried: the address or the mail is refused."""


class AddressRefused(MailRefused):
    """There is no such mailbox, says its server; the next mail would be refused as well."""


@dataclass(frozen=True, slots=True)
class Item:
    """One of several things that a mail tells of."""

    title: str
    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. `link` stands after the first paragraph of `paragraphs`, under the words `label`.

    `items` follow the paragraphs, and behind them the small print: `notes`, each with its link or None.
    """

    id: str
    address: str
    subject: str
    paragraphs: tuple[str, ...]
    link: str | None = None
    label: str = ""
    items: tuple[Item, ...] = ()
    notes: tuple[tuple[str, str | None], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


def write_line(text: str, most: int = MAX_SUBJECT_CHARS) -> str:
    """A text that people wrote as one line for a header: no control characters, no marks that turn the
    direction of what follows, not too long."""
    kept = "".join(c if c in JOINERS or unicodedata.category(c)[0] not in "CZ" else " " for c in text)
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def compose_text(mail: Mail) -> str:
    """The plain text."""
    first, *rest = mail.paragraphs
    parts = [first, mail.link, *rest] if mail.link else [first, *rest]
    parts += [
        f"* {one.title}\n" + (f"  {one.text}\n" if one.text else "") + f"  {one.link}" for one in mail.items
    ]
    if mail.notes:
        parts.append("-- \n" + "\n".join(f"{text}: {link}" if link else text for text, link in mail.notes))
    return "\n\n".join(parts) + "\n"


def compose_html(mail: Mail) -> str:
    """The same as simple HTML."""
    escape = html.escape
    first, *rest = [PARAGRAPH.format(text=escape(text)) for text in mail.paragraphs]
    if mail.link:
        rest.insert(0, LINK.format(link=escape(mail.link), label=escape(mail.label)))
    rest += [
        ITEM.format(link=escape(one.link), title=escape(one.title), text=escape(one.text))
        for one in mail.items
    ]
    notes = [
        ANCHOR.format(link=escape(link), text=escape(text)) if link else escape(text)
        for text, link in mail.notes
    ]
    if notes:
        rest.append(NOTE.format(text="<br>".join(notes)))
    return PAGE.format(paragraphs="\n".join([first, *rest]))


@functools.cache
def host_of(sender: str) -> str:
    """The domain of a sender `Name <address>`: that of Message-IDs."""
    return Address(addr_spec=parseaddr(sender)[1]).domain


def encode_header(text: str) -> str:
    """A text without line breaks as a header's value: as it is, or in encoded words."""
    if text.isascii() and "=?" not in text:
        return text
    words, part = [], b""
    for char in text:
        raw = char.encode()
        if len(part) + len(raw) > WORD_BYTES:
            words.append(part)
            part = b""
        part += raw
    return "\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in (*words, part))


@functools.cache
def encode_sender(sender: str) -> str:
    """A sender `Name <address>` as a header's value."""
    name, address = parseaddr(sender)
    if not name.isascii():
        return f"{encode_header(name)} <{address}>"
    return str(Address(name, addr_spec=address))


def encode_part(subtype: str, text: str) -> str:
    """A part of the message with its headers. Plain where that is possible: a link stays whole for those who
    read the source."""
    plain = text.isascii() and max(map(len, text.split("\n"))) <= MAX_LINE_CHARS
    if not plain:
        text = b2a_qp(text.encode(), istext=True).decode()
    encoding = "7bit" if plain else "quoted-printable"
    return f'Content-Type: text/{subtype}; charset="utf-8"\nContent-Transfer-Encoding: {encoding}\n\n{text}'


def compose(mail: Mail, sender: str) -> bytes:
    """The message with its headers; raises MailRefused for what cannot stand in one.

    Its Message-ID is made of the mail's id: where one is sent twice, a mailbox shows it once. The email
    package takes two milliseconds to write one, and breaks the addresses in headers that must not be broken.
    """
    address = mail.address
    try:
        if not PLAIN_ADDRESS.match(address):
            address = str(Address(addr_spec=address))
        headers = [
            ("To", address),
            ("From", encode_sender(sender)),
            ("Subject", encode_header(mail.subject)),
            ("Date", format_datetime(datetime.now(UTC))),
            ("Message-ID", f"<{mail.id}@{host_of(sender)}>"),
            ("Auto-Submitted", "auto-generated"),
            *mail.headers,
        ]
    except (ValueError, IndexError) as error:
        raise MailRefused(f"cannot be composed: {type(error).__name__}", "address") from None
    if any("\n" in value.replace("?=\n =?", "") or "\r" in value for _, value in headers):
        raise MailRefused("cannot be composed: a header has several lines", "header")
    head = "".join(f"{name}: {value}\n" for name, value in headers)
    plain, page = (LINE_BREAK.sub("\n", text) for text in (compose_text(mail), compose_html(mail)))
    body = PARTS.format(
        boundary=f"=_{uuid4().hex}", plain=encode_part("plain", plain), page=encode_part("html", page)
    )
    return (head + body).replace("\n", "\r\n").encode()


async def hand_over(client: aiosmtplib.SMTP, sender: str, address: str, message: bytes) -> None:
    """Send a message."""
    own = parseaddr(sender)[1]
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
    return (MailRefused if OF_POLICY.match(said) else AddressRefused)(reason, str(code))


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

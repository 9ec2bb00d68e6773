"""Mail: to an SMTP server, or in development to a folder."""

from __future__ import annotations

import asyncio
import html
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from nexcorp.config import Config

log = structlog.get_logger("nexcorp.mail")

CONNECT_SECONDS = 15.0
# Well within the two minutes for which a worker has a mail to itself.
SEND_SECONDS = 60.0
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


class MailError(Exception):
    """It was not sent. The text says why, without anything of the mail's own text."""


class MailRefused(MailError):
    """It was not sent, and will not be however often it is tried: the address or the mail is refused."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail says. `link` stands after the first paragraph of `paragraphs`, under the words `label`."""

    id: str
    address: str
    subject: str
    paragraphs: tuple[str, ...]
    link: str | None = None
    label: str = ""


def compose_text(mail: Mail) -> str:
    """The plain text."""
    first, *rest = mail.paragraphs
    parts = [first, mail.link, *rest] if mail.link else [first, *rest]
    return "\n\n".join(parts) + "\n"


def compose_html(mail: Mail) -> str:
    """The same as simple HTML."""
    first, *rest = [PARAGRAPH.format(text=html.escape(text)) for text in mail.paragraphs]
    if mail.link:
        rest.insert(0, LINK.format(link=html.escape(mail.link), label=html.escape(mail.label)))
    return PAGE.format(paragraphs="\n".join([first, *rest]))


def compose(mail: Mail, sender: str) -> EmailMessage:
    """The message with its headers; raises MailRefused for an address that cannot stand in one.

    Its Message-ID is made of the mail's id: where one is sent twice, a mailbox shows it once.
    """
    message = EmailMessage(policy=policy.SMTP)
    name, own_address = parseaddr(sender)
    own = Address(name, addr_spec=own_address)
    try:
        message["To"] = Address(addr_spec=mail.address)
        # The policy refuses line breaks in each of them.
        message["From"] = own
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<{mail.id}@{own.domain}>"
        message["Auto-Submitted"] = "auto-generated"
    except (ValueError, IndexError) as error:
        raise MailRefused(f"cannot be composed: {type(error).__name__}") from None
    text, page = compose_text(mail), compose_html(mail)
    message.set_content(text, cte=choose_encoding(text))
    message.add_alternative(page, subtype="html", cte=choose_encoding(page))
    return message


def choose_encoding(text: str) -> str:
    """Plain where that is possible: a link stays whole for those who read the source."""
    return "7bit" if text.isascii() else "quoted-printable"


class SmtpMailer:
    """Sends through the server of SMTP_URL, each mail by a connection of its own."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self.sender = sender
        self.scheme, self.host = parts.scheme, parts.hostname or "localhost"
        self.port = parts.port or DEFAULT_PORTS[parts.scheme]
        self.username = unquote(parts.username) if parts.username else None
        self.password = unquote(parts.password) if parts.password else None

    async def send(self, mail: Mail) -> None:
        """Hand a mail over to the server; raises MailRefused or MailError."""
        message = compose(mail, self.sender)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await aiosmtplib.send(
                    message,
                    hostname=self.host,
                    port=self.port,
                    username=self.username,
                    password=self.password,
                    use_tls=self.scheme == "smtps",
                    start_tls=self.scheme == "smtp+starttls",
                    timeout=CONNECT_SECONDS,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            code, said = error.recipients[0].code, error.recipients[0].message
            kind = MailRefused if code >= 500 else MailError
            raise kind(f"recipient: {code} {said}"[:300]) from None
        except aiosmtplib.SMTPDataError as error:
            # Without what the server says: it may quote the mail, and the mail holds a token.
            kind = MailRefused if error.code >= 500 else MailError
            raise kind(f"data: {error.code}") from None
        except aiosmtplib.SMTPResponseException as error:
            raise MailError(f"{type(error).__name__}: {error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailError(type(error).__name__) from None


class FolderMailer:
    """In development: each mail is a file, and a line in the log that its reader can click."""

    def __init__(self, folder: Path, sender: str) -> None:
        self.folder, self.sender = folder, sender

    async def send(self, mail: Mail) -> None:
        """Write the mail to `<id>.eml`; raises MailRefused or MailError."""
        message = compose(mail, self.sender)
        path = self.folder / f"{mail.id}.eml"
        try:
            await asyncio.to_thread(self.write, path, message.as_bytes())
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

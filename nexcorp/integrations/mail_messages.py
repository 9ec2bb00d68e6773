"""A mail: what it says, and the message that it is sent as."""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from base64 import b64encode
from binascii import b2a_qp
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.utils import format_datetime, parseaddr
from uuid import uuid4

MAX_SUBJECT_CHARS = 150
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
def address_of(sender: str) -> str:
    """The address of a sender `Name <address>`."""
    return parseaddr(sender)[1]


@functools.cache
def host_of(sender: str) -> str:
    """The domain of a sender `Name <address>`: that of Message-IDs."""
    return Address(addr_spec=address_of(sender)).domain


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

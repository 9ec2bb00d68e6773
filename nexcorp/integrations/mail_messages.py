"""A mail, its texts, and the message that is sent."""

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
# Simple addresses; any other, with quotes, comments or the like, is parsed.
PLAIN_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f<>()\[\]\\,;:\"@]+@[^\s\x00-\x1f\x7f<>()\[\]\\,;:\"@]+\Z")
MAX_LINE_CHARS = 900
# Bytes of text in an encoded word of RFC 2047, which has at most 75 characters.
WORD_BYTES = 45
LINE_BREAK = re.compile(r"\r\n|\r|\n")
# Joiners hold emoji and words together.
JOINERS = "\u200c\u200d"


class MailError(Exception):
    """The mail was not sent. The text says why, without any text of the mail; `code` is a single word."""

    def __init__(self, reason: str, code: str = "error") -> None:
        super().__init__(reason)
        self.code = code


class MailRefused(MailError):
    """The mail was not sent, and retrying is useless: the address or the mail is refused."""


@dataclass(frozen=True, slots=True)
class Item:
    """One of several entries in a mail."""

    title: str
    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail. `link`, labelled `label`, stands after the first of `paragraphs`.

    `items` follow the paragraphs, then the small print: `notes`, each with its link or None.
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
    """Return a user's text as one line for a header: without control characters and direction marks, and at
    most `most` characters long."""
    kept = "".join(c if c in JOINERS or unicodedata.category(c)[0] not in "CZ" else " " for c in text)
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def compose_text(mail: Mail) -> str:
    """Return the plain text of a mail."""
    first, *rest = mail.paragraphs
    parts = [first, mail.link, *rest] if mail.link else [first, *rest]
    parts += [
        f"* {one.title}\n" + (f"  {one.text}\n" if one.text else "") + f"  {one.link}" for one in mail.items
    ]
    if mail.notes:
        parts.append("-- \n" + "\n".join(f"{text}: {link}" if link else text for text, link in mail.notes))
    return "\n\n".join(parts) + "\n"


def compose_html(mail: Mail) -> str:
    """Return the mail as simple HTML."""
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
    """Return the address of a sender `Name <address>`."""
    return parseaddr(sender)[1]


@functools.cache
def host_of(sender: str) -> str:
    """Return the domain of a sender `Name <address>`, which Message-IDs use."""
    return Address(addr_spec=address_of(sender)).domain


def encode_header(text: str) -> str:
    """Return a text without line breaks as a header's value: as it is, or in encoded words."""
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
    """Return a sender `Name <address>` as a header's value."""
    name, address = parseaddr(sender)
    if not name.isascii():
        return f"{encode_header(name)} <{address}>"
    return str(Address(name, addr_spec=address))


def encode_part(subtype: str, text: str) -> str:
    """Return a part of the message with its headers. Not encoded if possible, so that links stay whole in the
    source."""
    plain = text.isascii() and max(map(len, text.split("\n"))) <= MAX_LINE_CHARS
    if not plain:
        text = b2a_qp(text.encode(), istext=True).decode()
    encoding = "7bit" if plain else "quoted-printable"
    return f'Content-Type: text/{subtype}; charset="utf-8"\nContent-Transfer-Encoding: {encoding}\n\n{text}'


def compose(mail: Mail, sender: str) -> bytes:
    """Return the message with its headers; raises MailRefused for an address or a header that is not allowed.

    The Message-ID is made of the mail's id: a mailbox shows a mail that was sent twice only once. Not by the
    email package, which takes two milliseconds, and folds addresses in headers that must stay whole.
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

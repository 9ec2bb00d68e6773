"""A real SMTP server on loopback that keeps the mails it gets, and refuses them when told to."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.chaos.cluster import choose_ports

TOKEN = re.compile(r"#token=([A-Za-z0-9_-]+)")


def find_token(message: EmailMessage) -> str:
    """Return the token in a mail; fails unless its text and its HTML have the same."""
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    found = [TOKEN.search(body.get_content()) for body in bodies if body is not None]
    tokens = {match[1] for match in found if match is not None}
    assert len(found) == 2 and len(tokens) == 1, message.as_string()
    return tokens.pop()


@dataclass
class MailServer:
    """aiosmtpd in the test's own loop. `recipient_says` and `data_says`: its answers."""

    port: int = field(default_factory=lambda: choose_ports(1)[0])
    recipient_says: str = "250 OK"
    data_says: str = "250 OK"
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    # The mails as received bytes.
    contents: list[bytes] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    # More options of aiosmtpd, and the TLS context for smtps://.
    options: dict[str, Any] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    _server: Any = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, loop=loop, **self.options), "127.0.0.1", self.port, ssl=self.tls
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tried.append(address)
        if self.recipient_says.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_says

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_says.startswith("250"):
            content = bytes(envelope.content or b"")
            self.contents.append(content)
            message = message_from_bytes(content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            for address in envelope.rcpt_tos:
                self.mails.append((address, message))
        return self.data_says

    def sent_to(self, address: str, subject: str = "") -> list[EmailMessage]:
        """Return the mails to an address whose subject contains `subject`, oldest first."""
        return [mail for to, mail in self.mails if to == address and subject in mail["Subject"]]

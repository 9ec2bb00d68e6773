"""A service that sends mail to a real SMTP server, and fixtures that wait for a mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from nexcorp.config import Config
from tests.conftest import wait_until
from tests.mailserver import MailServer, find_token

BASE = "https://connect.example.com"


@pytest.fixture
def config(config: Config, smtp: MailServer) -> Config:
    """The settings of a service that sends mail."""
    return replace(config, smtp_url=smtp.url, mail_from="NexCorp <connect@example.com>", public_url=BASE)


@pytest.fixture
def mail_to(smtp: MailServer) -> Callable[..., Awaitable[EmailMessage]]:
    """`await mail_to(address, "Reset")`: the newest such mail, once there are `count`."""

    async def wait(address: str, subject: str = "", count: int = 1) -> EmailMessage:
        async def look() -> Any:
            found = smtp.sent_to(address, subject)
            return len(found) >= count and found[-1]

        found: EmailMessage = await wait_until(look)
        return found

    return wait


@pytest.fixture
def token_to(mail_to: Any) -> Callable[..., Awaitable[str]]:
    """Like mail_to, but returns the token in the mail."""

    async def wait(*arguments: Any, **more: Any) -> str:
        return find_token(await mail_to(*arguments, **more))

    return wait

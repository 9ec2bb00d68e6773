"""The texts of each kind of mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nexcorp.integrations.mail_messages import Mail

IGNORE = "If this was not you, ignore this mail: nothing changes."
NOT_YOU = (
    "If this was not you, reset your password now ({base}/reset-password), "
    "look at your devices, and tell your administrator."
)


@dataclass(frozen=True, slots=True)
class MailText:
    """The text of one kind. `{name}`, `{base}` and the keys of the mail's data are filled in.

    `page` is the path of the link, with the token behind `#token=`.
    """

    subject: str
    paragraphs: tuple[str, ...]
    page: str | None = None
    label: str = ""

    @property
    def needs_token(self) -> bool:
        """Whether the mail has a one-time token, whose purpose is the kind's name."""
        return self.page is not None


TEXTS: dict[str, MailText] = {
    "verify_email": MailText(
        "Confirm your e-mail address",
        (
            "Hello {name}, please confirm that this address is yours:",
            "The link works once, for 24 hours.",
            IGNORE,
        ),
        page="/verify-email",
        label="Confirm the address",
    ),
    "reset_password": MailText(
        "Reset your password",
        (
            "Hello {name}, somebody, hopefully you, asked to reset the password of your account:",
            "The link works once, for an hour.",
            IGNORE,
        ),
        page="/reset-password",
        label="Choose a new password",
    ),
    "change_email": MailText(
        "Confirm your new e-mail address",
        (
            "Hello {name}, please confirm that you want to sign in with this address from now on:",
            "The link works once, for 24 hours.",
            IGNORE,
        ),
        page="/verify-email",
        label="Use this address",
    ),
    "invitation": MailText(
        "You are invited to NexCorp Connect",
        (
            "Hello, {name} invites you to register with this address:",
            "The link works once, for seven days.",
            IGNORE,
        ),
        page="/register",
        label="Register",
    ),
    "password_changed": MailText(
        "Your password was changed",
        (
            "Hello {name}, the password of your account was changed. All other devices were signed out.",
            NOT_YOU,
        ),
    ),
    "password_reset": MailText(
        "Your password was reset",
        (
            "Hello {name}, the password of your account was reset by mail. All devices were signed out.",
            NOT_YOU,
        ),
    ),
    "email_change_requested": MailText(
        "Your e-mail address is about to change",
        (
            "Hello {name}, the address of your account is to become {newEmail}. "
            "It changes once that address is confirmed.",
            NOT_YOU,
        ),
    ),
    "email_changed": MailText(
        "Your e-mail address was changed",
        (
            "Hello {name}, from now on you sign in with {newEmail}; this address no longer works.",
            "If this was not you, tell your administrator at once.",
        ),
    ),
}


def write_mail(
    mail_id: str, kind: str, address: str, values: Mapping[str, Any], *, base: str, token: str | None = None
) -> Mail:
    """Return a mail of a kind; `values` hold `name` and the other values of its text.

    `base` is the address of the service. The token stands in the fragment, which is not sent to a server.
    """
    text = TEXTS[kind]
    paragraphs = tuple(part.format(**values, base=base) for part in text.paragraphs)
    link = f"{base}{text.page}#token={token}" if text.page else None
    return Mail(mail_id, address, text.subject, paragraphs, link, text.label)

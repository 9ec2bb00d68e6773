"""Events of accounts, most of them for the audit trail only."""

from __future__ import annotations

from nexcorp.delivery.events import SILENT, EventType, NoticeType
from nexcorp.domain.security import security

EVENTS: dict[str, EventType] = {
    "user.registered": EventType(public=True),
    "user.logged_in": SILENT,
    "user.login_failed": SILENT,
    "user.logged_out": SILENT,
    "session.revoked": SILENT,
    "session.reuse_detected": security(
        "session_reused",
        "A device was signed out for your safety",
        "Its sign-in was used from two places. If you do not know why, change your password.",
    ),
    "password.changed": security(
        "password_changed",
        "Your password was changed",
        "All other devices were signed out. If this was not you, reset your password now.",
    ),
    "password.reset": security(
        "password_reset",
        "Your password was reset",
        "All devices were signed out. If this was not you, tell your administrator.",
    ),
    "password.reset_requested": SILENT,
    "session.proved": SILENT,
    "email.verified": SILENT,
    "email.verification_requested": SILENT,
    "email.change_requested": SILENT,
    "email.changed": security(
        "email_changed",
        "Your e-mail address was changed",
        "Sign in with the new one. If this was not you, tell your administrator.",
    ),
    "identity.linked": security(
        "identity_linked",
        "An account elsewhere opens yours",
        "It was linked to sign in with. If this was not you, remove it and change your password.",
        unless="newAccount",
    ),
    "identity.unlinked": SILENT,
    "account.reclaimed": SILENT,
    "invitation.created": SILENT,
    "invitation.revoked": SILENT,
    "invitation.accepted": SILENT,
}

NOTICE_TYPES = (NoticeType("security", critical=True, email="always"),)

"""Identity: what happens to accounts. Most of it is for the audit trail alone."""

from __future__ import annotations

from nexcorp.delivery.events import SILENT, Entry, Notice


def security(title: str, message: str, *, unless: str = "") -> Entry:
    """What the owner of an account is told of it, whoever did it; not where the payload says `unless`."""
    notice = Notice(
        "security",
        title,
        receivers=lambda event: [] if event.payload.get(unless) else [event.payload["userId"]],
        message=lambda event: message,
        tells_actor=True,
    )
    return Entry((notice,))


IDENTITY: dict[str, Entry] = {
    "user.registered": SILENT,
    "user.logged_in": SILENT,
    "user.login_failed": SILENT,
    "user.logged_out": SILENT,
    "user.updated": SILENT,
    "user.role_changed": SILENT,
    "user.status_changed": SILENT,
    "user.deleted": SILENT,
    "user.export_requested": SILENT,
    "user.export_downloaded": SILENT,
    "role.permissions_changed": SILENT,
    "session.revoked": SILENT,
    "api_key.created": security(
        "An API key was made",
        "A program can act for you with it. If this was not you, revoke it and change your password.",
    ),
    "api_key.revoked": SILENT,
    "session.reuse_detected": security(
        "A device was signed out for your safety",
        "Its sign-in was used from two places. If you do not know why, change your password.",
    ),
    "password.changed": security(
        "Your password was changed",
        "All other devices were signed out. If this was not you, reset your password now.",
    ),
    "password.reset": security(
        "Your password was reset",
        "All devices were signed out. If this was not you, tell your administrator.",
    ),
    "password.reset_requested": SILENT,
    "email.verified": SILENT,
    "email.verification_requested": SILENT,
    "email.change_requested": SILENT,
    "email.changed": security(
        "Your e-mail address was changed",
        "Sign in with the new one. If this was not you, tell your administrator.",
    ),
    "identity.linked": security(
        "An account elsewhere opens yours",
        "It was linked to sign in with. If this was not you, remove it and change your password.",
        unless="newAccount",
    ),
    "identity.unlinked": SILENT,
    "account.reclaimed": SILENT,
}

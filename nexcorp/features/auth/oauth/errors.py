"""Errors of signing in with a provider."""

from __future__ import annotations

from nexcorp.errors import BadRequest, Conflict, Forbidden


class ReturnToRefused(BadRequest):
    """`return_to` is neither a page of this service nor an allowed address."""

    code, message = "return_to_refused", "This sign-in may not lead to the address in return_to."
    meaning = "A sign-in may not redirect to this `return_to`."


class FlowMissing(BadRequest):
    """The callback was opened in a browser that has no sign-in under way."""

    code = "flow_missing"
    message = "This sign-in has run out, was used already, or was begun in another browser."
    meaning = "The sign-in has expired, was completed before, or was begun in another browser."


class StateMismatch(BadRequest):
    """The callback's `state` or provider differs from the sign-in under way."""

    code, message = "state_mismatch", "This is not the answer to the sign-in that was begun here."
    meaning = "The provider's answer does not belong to the sign-in that this browser began."


class CodeMissing(BadRequest):
    """The callback names neither an error nor a code."""

    code, message = "code_missing", "The provider sent no code along."
    meaning = "The provider sent no `code`."


class AccessDenied(Forbidden):
    """The provider's answer is `access_denied`."""

    code, message = "access_denied", "You did not allow the sign-in."
    meaning = "The user did not allow the sign-in at the provider."


class EmailRequired(Forbidden):
    """The profile holds no valid address for a new account."""

    code = "email_required"
    message = (
        "The provider shares no e-mail address of yours, and an account needs one. "
        "Allow it there, or register here."
    )
    meaning = "The provider shares no e-mail address that is valid for an account."


class AccountDeactivated(Forbidden):
    """The identity belongs to a deactivated account."""

    code, message = "account_deactivated", "This account is deactivated."
    meaning = "The account is deactivated."


class SessionEnded(Forbidden):
    """The session that began to link an identity is over."""

    code, message = "session_ended", "You were signed out in the meantime. Sign in and link it again."
    meaning = "The session that began to link an identity has ended."


class IdentityTaken(Conflict):
    """The identity is linked to another account."""

    code, message = "identity_taken", "This account of the provider is linked to another user."
    meaning = "This account of the provider is linked to another user."


class IdentityMismatch(Forbidden):
    """The identity sent as proof is not linked to the caller's account."""

    code, message = "identity_mismatch", "This account of the provider does not open yours."
    meaning = "The provider account is not linked to the account that it should prove."


class ProviderLinked(Conflict):
    """The account has another identity of this provider already."""

    code = "provider_linked"
    message = "Another account of this provider is linked already; unlink that one first."
    meaning = "Your account is linked to another account of this provider already."


class LastWayIn(Conflict):
    """Without this identity the account would have no way to sign in."""

    code = "last_way_in"
    message = "Nothing else opens this account: set a password or link another one first."
    meaning = "It is the account's only way to sign in."

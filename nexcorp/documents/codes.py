"""The codes of errors, derived from their classes: status, meaning, and the routes that answer with them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nexcorp.domain.attachments import QuotaExceeded, TooManyFiles, UploadExpired
from nexcorp.domain.fields import PatchBody
from nexcorp.errors import (
    AnswerGone,
    AppError,
    BadRequest,
    Contention,
    DatabaseExhausted,
    DatabaseUnavailable,
    EmailUnverified,
    IdempotencyKeyReused,
    InternalError,
    Invalid,
    NoPassword,
    Overloaded,
    PayloadTooLarge,
    PermissionRequired,
    PreconditionFailed,
    ReauthenticationRequired,
    SessionRequired,
    StaleVersion,
    StorageFull,
    StorageUnavailable,
    TimedOut,
    TooManyAttempts,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
    WrongPassword,
)
from nexcorp.integrations.storage.contents import BrokenImage, UnsupportedFileType
from nexcorp.security.access import SELF
from nexcorp.security.cors import HostNotAllowed
from nexcorp.web.bodies import TooManyChunks
from nexcorp.web.errors import MethodNotAllowed, RequestTimeout, RouteNotFound, status_of
from nexcorp.web.forms import MalformedForm, TooManyUploadsAtOnce, UploadStalled, UploadTooSlow
from nexcorp.web.parsing import MalformedJson
from nexcorp.web.routing import Route

PATH_PARAMETER = re.compile(r"{(\w+)}")
# Path parameters that are no ids, and their values if they are one of a few words.
PATH_WORDS: dict[str, list[str] | None] = {
    "provider": ["github", "google", "gitlab", "oidc"],
    "role": ["admin", "manager", "member"],
    "key": None,
    "entityType": None,
    "type": None,
    "n": None,
}

Kind = type[AppError]
Catalogue = dict[int, dict[str, str]]

ALWAYS: tuple[Kind, ...] = (
    *(InternalError, Overloaded, TimedOut, Contention, DatabaseUnavailable, DatabaseExhausted),
    # HTTP errors, for instance too long a line, belong to no route; the client believes that it called one.
    *(HostNotAllowed, BadRequest),
)
OF_FORMS: tuple[Kind, ...] = (
    *(MalformedForm, TooManyChunks, UploadStalled, UploadTooSlow, UnsupportedFileType, BrokenImage),
    *(UploadExpired, TooManyUploadsAtOnce, StorageUnavailable, StorageFull, QuotaExceeded, TooManyFiles),
)
# Errors of no route: unknown paths, wrong methods, requests that do not arrive.
OF_NONE: tuple[Kind, ...] = (RouteNotFound, MethodNotAllowed, RequestTimeout)


def has_ids(path: str) -> bool:
    """Return whether a path has an id, which may be malformed."""
    return any(name not in PATH_WORDS for name in PATH_PARAMETER.findall(path))


def find_common(route: Route) -> list[Kind]:
    """Return the errors that follow from a route's inputs and its access."""
    kinds = [*ALWAYS]
    # The body of a POST is read for its Idempotency-Key, even if it needs no body.
    keyed = route.method == "POST" and route.idempotent
    if route.access.signed_in or route.access.permission is not None:
        kinds.append(Unauthorized)
        if not route.access.keys:
            kinds.append(PermissionRequired if route.access.permission else SessionRequired)
        if route.access.permission is not None and route.access.permission not in SELF:
            kinds.append(EmailUnverified)
    if route.access.fresh:
        kinds += [ReauthenticationRequired, WrongPassword, TooManyAttempts, NoPassword]
    if route.limited:
        kinds.append(TooManyRequests)
    if route.body is not None or keyed:
        kinds += [TooManyChunks, RequestTimeout, PayloadTooLarge]
    if route.body is not None:
        kinds.append(MalformedJson)
    if isinstance(route.body, PatchBody):
        kinds += [StaleVersion, PreconditionFailed]
    if route.body is not None or route.form is not None:
        kinds.append(UnsupportedMediaType)
    if route.body is not None or keyed or route.query is not None or has_ids(route.path):
        kinds.append(Invalid)
    if keyed:
        kinds += [IdempotencyKeyReused, AnswerGone]
    if route.form is not None:
        kinds += OF_FORMS
    return kinds


def find_errors(route: Route) -> dict[int, list[Kind]]:
    """Return all errors of a route by status, each code once: those of find_common(), then its `errors`."""
    found: dict[int, dict[str, Kind]] = {}
    for kind in (*find_common(route), *route.errors):
        found.setdefault(status_of(kind), {}).setdefault(kind.code, kind)
    return {status: list(kinds.values()) for status, kinds in sorted(found.items())}


def make_codes(routes: Sequence[Route]) -> Catalogue:
    """Return status -> code -> meaning, for every error of these routes and of the router.

    Errors of find_common() come first, then those that routes name.

    Raises ValueError if two errors share status and code, but not their meaning.
    """
    common = [kind for route in routes for kind in find_common(route)]
    named = [kind for route in routes for kind in route.errors]
    found: Catalogue = {}
    for kind in (*common, *OF_NONE, *named):
        codes = found.setdefault(status_of(kind), {})
        if codes.setdefault(kind.code, kind.meaning) != kind.meaning:
            raise ValueError(f"{kind.__qualname__} is not the only meaning of {kind.code}")
    return dict(sorted(found.items()))

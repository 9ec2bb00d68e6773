"""Every `code` of an error: its status, what it means, and which of them a route can answer with."""

from __future__ import annotations

import re

from nexcorp.domain.fields import PatchBody
from nexcorp.web.routing import Route

PATH_PARAMETER = re.compile(r"{(\w+)}")
# What else than an id stands in a path, and what it may be where that is one of a few words.
PATH_WORDS: dict[str, list[str] | None] = {
    "provider": ["github", "google", "gitlab", "oidc"],
    "role": ["admin", "manager", "member"],
    "key": None,
}

CODES: dict[int, dict[str, str]] = {
    400: {
        "bad_request": "The request cannot be read, or does not arrive whole.",
        "malformed_json": "The body is not JSON.",
        "malformed_form": "The form is broken, or does not arrive whole.",
        "upload_stalled": "Nothing of the body came for 15 seconds.",
        "upload_too_slow": "The body comes at less than 8 KB a second.",
        "invalid_token": "The token of a mail is wrong, was used, or is too old.",
        "return_to_refused": "A sign-in may not lead to this `return_to`.",
        "flow_missing": "The sign-in has run out, was used, or was begun in another browser.",
        "state_mismatch": "This is not the answer to the sign-in that was begun in this browser.",
        "code_missing": "The provider sent no code along.",
        "code_refused": "The provider did not accept its code; sign in again.",
        "subprotocol_required": "Subprotocols were offered, and `nexcorp.v1` is not among them.",
        "upgrade_required": "This is no handshake of a WebSocket.",
    },
    401: {
        "unauthorized": "Without a good access token, API key, ticket or refresh token.",
        "invalid_credentials": "The address or the password is wrong, or the account deactivated.",
    },
    403: {
        "permission_required": "The role, or the scopes of the API key, lack a permission.",
        "session_required": "No API key may do this; sign in.",
        "not_your_post": "Only its author may do this, and holders of the permissions that the route names.",
        "not_your_comment": "Only its author may do this; for deleting see the route.",
        "not_your_upload": "Only its owner may do this.",
        "csrf": "The cookie came without `X-Requested-With`, or from a page of another origin.",
        "wrong_password": "`currentPassword` is wrong.",
        "access_denied": "The person did not allow the sign-in at the provider.",
        "email_required": "The provider shares no e-mail address that an account could have.",
        "account_deactivated": "The account is deactivated.",
        "session_ended": "The session that began to link an identity is over.",
        "origin_not_allowed": "Pages of this origin may open no socket.",
    },
    404: {
        "not_found": "There is no such thing, or not for the viewer.",
        "route_not_found": "There is no such path.",
        "user_not_found": "There is no such person.",
        "post_not_found": "There is no such post, or not for the viewer.",
        "comment_not_found": "There is no such comment, or not for the viewer.",
        "upload_not_found": "There is no such upload, or not for the viewer.",
        "media_not_found": "There is no such file, or not any more.",
        "notification_not_found": "There is no such notification of one's own.",
        "role_not_found": "There is no such role.",
        "api_key_not_found": "There is no such key of one's own, or it is revoked.",
        "export_not_ready": "There is no export to download; ask for one first.",
    },
    405: {"method_not_allowed": "The path knows other methods: see the header `Allow`."},
    408: {"request_timeout": "The request did not come in time."},
    409: {
        "stale_version": "Another `version` is the current one; `current` is the row as it is.",
        "email_taken": "Another account has this e-mail address.",
        "email_unchanged": "It is the account's address already.",
        "username_taken": "Another account has this username.",
        "already_verified": "The e-mail address is verified already.",
        "no_password": "The account has no password; set one by `/auth/password/forgot`.",
        "identity_taken": "This account of the provider is linked to somebody else.",
        "provider_linked": "Another account of this provider is linked already.",
        "last_way_in": "Nothing else would open the account.",
        "last_admin": "There is no other active administrator.",
        "permission_indispensable": "Administrators keep `role:manage` and `user:manage`.",
        "too_many_api_keys": "There are 25 keys already.",
        "illegal_move": "No way leads there from the current status; `errors.status` lists where one does.",
        "not_a_project": "The post is no project.",
        "not_interested": "Only somebody who is interested in the project can be assigned.",
        "own_project": "It is one's own project.",
        "project_closed": "The project is completed or cancelled.",
        "assigned": "One is assigned to the project.",
        "too_many_uploads": "100 of one's files are on no post.",
        "already_confirmed": "The upload was confirmed before, or is gone.",
    },
    412: {"stale_version": "`If-Match` names another version; `current` is the row as it is."},
    413: {"payload_too_large": "The body, the form or a file is over its limit."},
    415: {
        "unsupported_media_type": "The body is of a type that this route does not read.",
        "unsupported_file_type": "The file is of a type that is not taken.",
    },
    416: {"range_not_satisfiable": "The file has no such part; `size` is how many bytes it has."},
    422: {
        "validation_failed": "Values are not acceptable; `errors` names them.",
        "idempotency_key_reused": "The `Idempotency-Key` was used for another request.",
        "cannot_follow_self": "Nobody can follow themselves.",
        "broken_image": "The image cannot be decoded.",
        "upload_expired": "The upload took over an hour; send it again.",
    },
    429: {
        "too_many_requests": "A limit is reached; wait as long as `Retry-After` says.",
        "too_many_attempts": "Five wrong passwords in 15 minutes.",
        "too_many_mails": "A mail is on its way, or five were sent within the hour.",
        "too_many_uploads_at_once": "Eight of one's forms are being received.",
    },
    500: {"internal_error": "Our fault; `requestId` finds it in the logs."},
    502: {"provider_failed": "The provider did not answer as it should."},
    503: {
        "overloaded": "The service is busy; try again.",
        "timeout": "It took too long; try again.",
        "contention": "Too many changes of the same thing at once; try again.",
        "database_unavailable": "The database cannot be reached.",
        "redis_unavailable": "Redis cannot be reached, which this needs.",
        "storage_unavailable": "Files cannot be stored or fetched right now.",
        "not_configured": "The service is run without what this needs.",
        "draining": "This node is stopping; connect again.",
    },
}

# Of a code that two statuses have, the second: 409 `stale_version` follows from the body.
STATUS = {code: status for status, codes in CODES.items() for code in codes}

ALWAYS = ("internal_error", "overloaded", "timeout", "contention", "database_unavailable")
OF_FORMS = (
    *("malformed_form", "upload_stalled", "upload_too_slow", "unsupported_file_type", "broken_image"),
    *("upload_expired", "too_many_uploads_at_once", "storage_unavailable"),
)


def has_ids(path: str) -> bool:
    """Whether an id stands in a path, which may be none."""
    return any(name not in PATH_WORDS for name in PATH_PARAMETER.findall(path))


def find_codes(route: Route) -> dict[int, list[str]]:
    """status -> codes, of every error that a route can answer with: those in its `errors`, and those that
    follow from what it takes and who may call it."""
    codes = [*ALWAYS, *route.errors]
    # For its Idempotency-Key a POST is read even where it needs no body.
    keyed = route.method == "POST" and route.idempotent
    if route.access.signed_in:
        codes += ["unauthorized", "permission_required" if route.access.permission else "session_required"]
    if route.limited:
        codes.append("too_many_requests")
    if route.body is not None or keyed:
        codes += ["bad_request", "payload_too_large"]
    if route.body is not None:
        codes.append("malformed_json")
    if route.body is not None or route.form is not None:
        codes.append("unsupported_media_type")
    if route.form is not None:
        codes += OF_FORMS
    if route.body is not None or keyed or route.query is not None or has_ids(route.path):
        codes.append("validation_failed")
    if keyed:
        codes.append("idempotency_key_reused")
    found: dict[int, list[str]] = {}
    if isinstance(route.body, PatchBody):
        codes.append("stale_version")
        found[409] = ["stale_version"]
    for code in codes:
        known = found.setdefault(STATUS[code], [])
        if code not in known:
            known.append(code)
    # As in the catalogue, whatever was named first.
    return {status: [code for code in CODES[status] if code in found[status]] for status in sorted(found)}
